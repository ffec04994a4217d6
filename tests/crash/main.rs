//! What the executable does on a disk that fails it: it says so, it stops, and it never serves a damaged book.

mod faults;
mod gateway;
mod moments;
mod server;
mod standby;

mod backup;
mod damaged_page;
mod database;
mod failed_sync;
mod failed_write;
mod full_disk;
mod lost_end;
mod moving;
mod storm;
