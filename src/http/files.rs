//! How many connections the limit of open files leaves room for.

/// Files and connections that have nothing to do with requests: listeners, operators, the log.
const OTHERS: u64 = 64;

/// So many connections, or as many as can be served while at most `open_files` may be open: a request
/// at work needs its own connection and one to another system.
pub(crate) fn within(wanted: usize, open_files: Option<u64>) -> usize {
    let Some(open_files) = open_files else { return wanted };
    let affordable = (open_files.saturating_sub(OTHERS) / 2).max(1);
    wanted.min(usize::try_from(affordable).unwrap_or(usize::MAX))
}

/// How many files have to be allowed for so many connections.
pub(crate) fn files_needed(wanted: usize) -> u64 {
    u64::try_from(wanted).unwrap_or(u64::MAX).saturating_mul(2).saturating_add(OTHERS)
}

/// The connections that can be served. Says so if that is less than what is wanted.
pub fn affordable_connections(wanted: usize, open_files: Option<u64>) -> usize {
    let affordable = within(wanted, open_files);
    if let Some(open_files) = open_files
        && affordable < wanted
    {
        let needed = files_needed(wanted);
        tracing::warn!(
            open_files,
            max_connections = affordable,
            "at most {affordable} connections are served instead of server.max_connections, \
             {wanted}: each may need another one to Novu or a chat platform, and this process may \
             have only {open_files} files open. Raise that limit to {needed} (ulimit -n, \
             LimitNOFILE= of systemd) or lower server.max_connections"
        );
    }
    affordable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outgoing_calls_find_room_at_any_limit() {
        for (wanted, open_files, expected) in [
            (1024, Some(1024), 480),
            (100, Some(1024), 100),
            (1024, Some(65_536), 1024),
            (1024, Some(10), 1),
            (1024, None, 1024),
        ] {
            assert_eq!(affordable_connections(wanted, open_files), expected, "{open_files:?}");
        }
    }
}
