//! The resolvers: whether each of them can say who people are.

use std::sync::Arc;

use super::check::Check;
use super::examination::Examination;
use super::novu::{no_answer, told};
use super::probe::Probe;
use super::report::Outcome;
use crate::core::resolve::{DryRun, ResolverKind, TableResolver};
use crate::novu::SubscriberSearch;

/// An address that nobody has: the domain is reserved (RFC 2606).
const NOBODY: &str = "nobody@connect-check.invalid";

pub(super) fn probes(examination: &Arc<Examination>) -> Vec<Probe> {
    let mut probes = Vec::new();
    if let Some(table) = examination.chain.table() {
        let examination = Arc::clone(examination);
        probes.push(Probe::new(Check::IdentityTable, async move {
            judge_table(&examination, &table).await
        }));
    }
    let platform = examination.settings.platforms.first().copied();
    if let (Some(webhook), Some(platform)) = (examination.chain.webhook(), platform) {
        let (examination, signed) = (Arc::clone(examination), Arc::clone(&webhook));
        probes.push(Probe::new(Check::IdentityWebhook, async move {
            judge_webhook(&examination, signed.dry_run(platform, true).await)
        }));
        probes.push(Probe::new(Check::IdentityWebhookSignature, async move {
            judge_signature(webhook.dry_run(platform, false).await)
        }));
    }
    if examination.chain.has(ResolverKind::Email) {
        let examination = Arc::clone(examination);
        probes.push(Probe::new(Check::IdentityEmailSearch, async move {
            judge_search(&examination).await
        }));
    }
    probes
}

async fn judge_table(examination: &Examination, table: &TableResolver) -> Outcome {
    let rows = match table.read_for_check().await {
        Ok(rows) => rows,
        Err(error) => {
            let fix = "correct the file, and write it whole: to another name first, then renamed";
            return Outcome::failure(format!("the identity table is not taken: {error}"), fix);
        }
    };
    let platforms = &examination.settings.platforms;
    let without = platforms.iter().filter(|platform| !rows.contains_key(&platform.id()));
    let without: Vec<_> = without.map(|platform| platform.brand).collect();
    if without.is_empty() {
        let rows: usize = rows.values().sum();
        return Outcome::ok(format!("the identity table has {rows} rows"));
    }
    Outcome::warning(
        format!("the identity table has no row of {}", without.join(" and ")),
        "add rows with that platform, or put another resolver behind table in identity.chain",
    )
}

fn judge_webhook(examination: &Examination, outcome: DryRun) -> Outcome {
    match outcome {
        DryRun::Answered => Outcome::ok("the identity webhook gives a documented answer"),
        DryRun::Refused(how) | DryRun::Unusable(how) => {
            let words = format!("the identity webhook gives no documented answer ({how})");
            let (finding, fix) = told(&examination.http, ("identity_webhook", "dry_run"), &words);
            Outcome::failure(finding, fix)
        }
    }
}

fn judge_signature(outcome: DryRun) -> Outcome {
    match outcome {
        DryRun::Answered => Outcome::warning(
            "the identity webhook answers a request with a wrong signature, so anybody can ask it",
            "let it refuse with 401 what is not signed with identity.webhook_secret",
        ),
        DryRun::Refused(_) => Outcome::ok("the identity webhook refuses a wrong signature"),
        DryRun::Unusable(how) => Outcome::note(
            format!("the identity webhook neither answers nor refuses a wrong signature ({how})"),
            "let it refuse with 401 what is not signed with identity.webhook_secret",
        ),
    }
}

async fn judge_search(examination: &Examination) -> Outcome {
    let search = SubscriberSearch { limit: Some(1), ..SubscriberSearch::by_email(NOBODY) };
    match examination.novu.search_subscribers(&search).await {
        Ok(page) if page.items.is_empty() => Outcome::ok("Novu searches subscribers by e-mail"),
        Ok(_) => Outcome::failure(
            "Novu finds a subscriber for an e-mail address that nobody has",
            "update Novu: it does not search by e-mail, so nobody can be matched",
        ),
        Err(error) => no_answer(examination, "search_subscribers", &error),
    }
}
