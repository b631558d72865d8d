//! Processes of their own, and what the system says they cost.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Clock ticks in a second, as `/proc` counts processor time: fixed at 100 on Linux.
const TICKS: u64 = 100;

/// A child process that printed `address=…` when it was ready. It is ended with this value.
pub(crate) struct Process {
    child: Child,
    /// What it printed, by name.
    pub(crate) printed: Vec<(String, String)>,
}

impl Process {
    /// Starts this very program in another role.
    pub(crate) fn role(role: &str, settings: &[(&str, String)]) -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let mut command = Command::new(program);
        let settings = settings.iter().map(|(name, value)| (name, value));
        command.env("LOAD_ROLE", role).envs(settings).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a child process");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let printed = output
            .lines()
            .map_while(Result::ok)
            .take_while(|line| line != "ready")
            .filter_map(|line| {
                line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
            })
            .collect();
        Self { child, printed }
    }

    /// Starts another program with these settings and nothing else of ours.
    pub(crate) fn program(path: &str, arguments: &[&str], settings: &[(&str, String)]) -> Self {
        let mut command = Command::new(path);
        command.args(arguments).envs(settings.iter().map(|(name, value)| (name, value)));
        let child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn();
        Self { child: child.expect("a child process"), printed: Vec::new() }
    }

    /// A value that it printed.
    pub(crate) fn value(&self, name: &str) -> String {
        let found = self.printed.iter().find(|(printed, _)| printed == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Processor time so far, of all its threads.
    pub(crate) fn processor_time(&self) -> Duration {
        let text = self.proc("stat");
        // The command's name comes second, in brackets, and may hold spaces.
        let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks =
            |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        // utime and stime, fields 14 and 15 of proc(5).
        Duration::from_millis((ticks(11) + ticks(12)) * 1000 / TICKS)
    }

    /// Resident memory now and at its peak, in MiB.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let text = self.proc("status");
        let kib = |name: &str| -> f64 {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
                .unwrap_or(0.0)
        };
        (kib("VmRSS:") / 1024.0, kib("VmHWM:") / 1024.0)
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good as ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
