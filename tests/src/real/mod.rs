//! Real traffic, and what it comes to by computations that share nothing with the product.

pub mod five_gates;
pub mod payg;

use std::path::Path;

/// Real traffic, where it lies beside the repository; says so where it does not.
pub fn real(file: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?.join("shared/data").join(file);
    if path.is_file() {
        return Some(path.display().to_string());
    }
    println!("NOT RUN: {} is not there, so nothing is shown on real traffic", path.display());
    None
}
