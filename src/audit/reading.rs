//! Reading the audit: its lines for an auditor, and whether its chains hold.

use std::io::Write;

use super::line::{Checkpoint, Line, Pseudonyms, hash};
use crate::store::config::Settings;
use crate::store::{AuditReader, AuditRow, Owner};

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// So many lines.
    Lines(usize),
    /// Nothing is known of that person: nothing was noted of them, or they were forgotten.
    Nobody,
}

/// How one chain is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where the chain is, as far as it holds.
    pub held: Checkpoint,
    /// What breaks it, and in which line; none if it holds to its end.
    pub broken: Option<(i64, &'static str)>,
}

/// Writes every line, chain by chain, the oldest first; or those that are about one person.
///
/// # Errors
/// The store cannot be read, or `out` not be written.
pub async fn export(
    settings: &Settings,
    person: Option<&Owner>,
    out: &mut impl Write,
) -> anyhow::Result<Found> {
    let mut reader = AuditReader::open(settings).await?;
    let pseudonym = match person {
        Some(owner) => match reader.secret(owner).await? {
            Some(secret) => Pseudonyms::with(&secret).person(),
            None => return Ok(Found::Nobody),
        },
        None => None,
    };
    let mut lines = 0;
    for chain in reader.chains().await? {
        let mut after = 0;
        loop {
            let rows = reader.lines(&chain, after).await?;
            let Some(last) = rows.last() else { break };
            after = last.number;
            for row in rows.iter().filter(|row| is_about(&row.line, pseudonym.as_deref())) {
                writeln!(out, "{}", row.line)?;
                lines += 1;
            }
        }
    }
    Ok(Found::Lines(lines))
}

/// Whether a line is about the person of that pseudonym; any is about nobody in particular.
pub(super) fn is_about(line: &str, pseudonym: Option<&str>) -> bool {
    let Some(pseudonym) = pseudonym else { return true };
    let line = serde_json::from_str::<Line>(line);
    line.is_ok_and(|line| [line.person, line.other].iter().flatten().any(|it| it == pseudonym))
}

/// Follows every chain from its beginning. A chain of which the log said more than there is was cut, and so
/// was one that is not there at all.
///
/// # Errors
/// The store cannot be read.
pub async fn verify(settings: &Settings, expected: &[Checkpoint]) -> anyhow::Result<Vec<Verdict>> {
    let mut reader = AuditReader::open(settings).await?;
    let mut chains = reader.chains().await?;
    for said in expected.iter().filter(|said| said.length > 0) {
        if !chains.contains(&said.chain) {
            chains.push(said.chain.clone());
        }
    }
    let mut verdicts = Vec::with_capacity(chains.len());
    for chain in chains {
        let said: Vec<_> = expected.iter().filter(|said| said.chain == chain).collect();
        let mut held = Checkpoint::beginning(chain);
        let broken = follow(&mut reader, &mut held, &said).await?;
        verdicts.push(Verdict { held, broken });
    }
    Ok(verdicts)
}

/// Goes along a chain as far as it holds. Gives the line that breaks it, and why.
async fn follow(
    reader: &mut AuditReader,
    held: &mut Checkpoint,
    said: &[&Checkpoint],
) -> anyhow::Result<Option<(i64, &'static str)>> {
    loop {
        let rows = reader.lines(&held.chain, held.length).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if let Some(why) = breaks(held, &row) {
                return Ok(Some((held.length + 1, why)));
            }
            *held = Checkpoint::after(&row);
            if said.iter().any(|said| said.length == held.length && said.head != held.head) {
                return Ok(Some((held.length, "it is another line than the log said")));
            }
        }
    }
    let is_cut = said.iter().any(|said| said.length > held.length);
    Ok(is_cut
        .then_some((held.length + 1, "it is missing, although the log said that it was there")))
}

/// Why a line is not the next one of a chain.
fn breaks(held: &Checkpoint, row: &AuditRow) -> Option<&'static str> {
    if row.number != held.length + 1 {
        return Some("it is missing");
    }
    if hash(&row.line) != row.hash {
        return Some("its text is not the one that was hashed");
    }
    let Ok(line) = serde_json::from_str::<Line>(&row.line) else {
        return Some("it cannot be read");
    };
    if line.previous != held.head {
        return Some("it does not follow the line before it");
    }
    let in_place = line.chain == row.chain && line.number == row.number;
    (!in_place).then_some("it is from another place")
}
