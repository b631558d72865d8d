//! Figures of the process itself, under the names that every Prometheus client uses.
//!
//! They come from Linux's `/proc` (proc(5)); on other systems they are missing.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Reads the figures whenever they are asked for.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(bytes) = resident_memory() {
            let help = "Resident memory size";
            gauge(&mut encoder, "process_resident_memory", help, Some(&Unit::Bytes), bytes)?;
        }
        if let Some(times) = Times::read() {
            let cpu = ConstCounter::new(times.cpu);
            let unit = Some(&Unit::Seconds);
            let (name, help) = ("process_cpu", "Processor time, of the user and of the system");
            let metric = encoder.encode_descriptor(name, help, unit, cpu.metric_type())?;
            cpu.encode(metric)?;
            let (name, help) = ("process_start_time", "When the process began, since 1970");
            gauge(&mut encoder, name, help, unit, times.start)?;
        }
        if let Some(count) = open_files() {
            gauge(&mut encoder, "process_open_fds", "Open file descriptors", None, count)?;
        }
        if let Some(most) = super::open_files_limit() {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let help = "The most file descriptors that may be open";
            gauge(&mut encoder, "process_max_fds", help, None, most)?;
        }
        Ok(())
    }
}

fn gauge<N>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: N,
) -> Result<(), fmt::Error>
where
    ConstGauge<N>: EncodeMetric,
{
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
}

fn resident_memory() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn open_files() -> Option<i64> {
    // One of them is the one that lists them.
    let count = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    i64::try_from(count).ok()
}

/// Seconds.
struct Times {
    cpu: f64,
    start: f64,
}

impl Times {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let boot = fs::read_to_string("/proc/stat").ok()?;
        let boot: f64 =
            boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
        // The command's name may contain anything, but nothing after it a bracket.
        let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // Counted from 1 and with the two fields that are cut off: 14, 15 and 22.
        let seconds = |field: usize| Some(fields.get(field - 3)?.parse::<f64>().ok()? / ticks()?);
        Some(Self { cpu: seconds(14)? + seconds(15)?, start: boot + seconds(22)? })
    }
}

/// How many of the kernel's ticks there are to a second.
fn ticks() -> Option<f64> {
    #[cfg(unix)]
    return u32::try_from(rustix::param::clock_ticks_per_second()).ok().map(f64::from);
    #[cfg(not(unix))]
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_this_process_are_likely() {
        assert!((1 << 20..1 << 40).contains(&resident_memory().unwrap()));
        assert!((3..100_000).contains(&open_files().unwrap()));
        let times = Times::read().unwrap();
        assert!((0.0..100_000.0).contains(&times.cpu));
        assert!(times.start > 1_500_000_000.0);
    }
}
