//! The double of KurrentDB by itself, to try `kurrentdb://` where there is no server: prints a book's URL and serves until
//! its input ends. What it stores is gone then, and says nothing of how fast or how safe a server is.

use counterfoil_tests::kurrent::Double;
use std::io;

fn main() -> io::Result<()> {
    let double = Double::start();
    println!("{}", double.url("book"));
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}
