//! `counterfoil copy`: moves a book from one store to another.

use super::progress;
use crate::config::StoreUrl;
use crate::service::{Copy, ServiceError, Storage};
use crate::told;
use clap::Args;
use std::error::Error;
use std::path::PathBuf;

/// What `copy` takes. Cut off anywhere, the same command goes on where it was.
#[derive(Args, Debug)]
pub(super) struct CopyArgs {
    /// Where the book is: a folder, or the URL of a store as `serve --store` takes it
    #[arg(long, value_name = "DIR|URL", env = "COUNTERFOIL_COPY_FROM", hide_env_values = true)]
    from: String,
    /// Where it is to go on: an empty folder or store, or one that has a part of the book
    #[arg(long, value_name = "DIR|URL", env = "COUNTERFOIL_COPY_TO", hide_env_values = true)]
    to: String,
    /// The folder of the secret keys, where an end is a URL
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

impl CopyArgs {
    pub(super) fn run(&self) -> Result<(), Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.copy())
    }

    async fn copy(&self) -> Result<(), Box<dyn Error>> {
        let copy = Copy::open(self.end(&self.from)?, self.end(&self.to)?).await?;
        let end = copy.end().await?;
        let copying = progress("copying", end.position);
        let copied = copy.bring_up(|position| copying.set_position(position)).await?;
        copying.finish_and_clear();
        let proving = progress("proving", copied.position);
        copy.prove(copied, |position| proving.set_position(position)).await?;
        proving.finish_and_clear();
        println!("{} events are copied, and each is proven by its hash: {}", copied.position, copied.hash);
        let head = copy.finish().await.map_err(|error| unfinished(&error))?;
        println!(
            "the source is sealed at position {}; the book goes on in the copy, nowhere else",
            head.position
        );
        println!("serve it with: counterfoil serve {}", self.serving());
        Ok(())
    }

    fn end(&self, text: &str) -> Result<Storage, ServiceError> {
        if text.contains("://") {
            Storage::named(Some(&StoreUrl::from(text.to_owned())), self.data.clone())
        } else {
            Storage::named(None, PathBuf::from(text))
        }
    }

    /// What to serve the copy with. A URL may hold a password, so it is not repeated.
    fn serving(&self) -> String {
        if self.to.contains("://") {
            format!("--store URL --data {}", self.data.display())
        } else {
            format!("--data {}", self.to)
        }
    }
}

fn unfinished(error: &ServiceError) -> String {
    let what =
        "the copy is not finished, and the book goes on in the source; end its service and run this again";
    format!("{what}: {}", told(error))
}
