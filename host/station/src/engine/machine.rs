//! What the machine under the engine says of itself.

/// The most memory this process has had at once, in MiB; `None` where the system does not tell.
pub(crate) fn peak_rss_mib() -> Option<f64> {
    memory("VmHWM:")
}

/// The memory this process has now, in MiB.
pub(crate) fn rss_mib() -> Option<f64> {
    memory("VmRSS:")
}

fn memory(field: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// Keeps the calling thread on one core; whether the system did so.
#[cfg(target_os = "linux")]
pub(crate) fn stay_on(core: usize) -> bool {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if core >= CpuSet::MAX_CPU {
        return false;
    }
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).is_ok()
}

/// Elsewhere threads go where the system puts them.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stay_on(_: usize) -> bool {
    false
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_told_and_peaks_above_what_is_used() {
        let (now, peak) = (super::rss_mib().unwrap(), super::peak_rss_mib().unwrap());
        assert!(now > 0.5 && peak > 0.5, "{now} {peak}");
        assert!(!super::stay_on(usize::MAX));
    }
}
