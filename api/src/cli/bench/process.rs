//! What the system says about a process.

use std::fs;
use std::time::Duration;

/// CPU time of a process so far; zero where the system does not tell.
pub(super) fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> = after_name.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    // User and system time in ticks of 10 ms, the 14th and 15th field of all.
    let ticks = fields.get(11).copied().unwrap_or(0) + fields.get(12).copied().unwrap_or(0);
    Duration::from_millis(ticks * 10)
}

/// The most memory that a process ever had, in bytes; zero where the system does not tell.
pub(super) fn peak_memory(pid: u32) -> u64 {
    status(pid, "VmHWM:")
}

/// The memory that a process has now, in bytes; zero where the system does not tell.
pub(super) fn memory(pid: u32) -> u64 {
    status(pid, "VmRSS:")
}

/// Makes the most memory that this process ever had what it has now, where the system can.
pub(super) fn forget_peak() {
    // Without it the figure is only higher.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn status(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
