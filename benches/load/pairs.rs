//! Rounds of two servers in turn, and what one costs beside the other.

use super::field::{Field, Round, Side};
use super::number;

/// A round of another server, and the product's right after it.
pub(crate) struct Pair {
    /// The other's.
    pub(crate) other: Round,
    /// The product's.
    pub(crate) ours: Round,
}

/// Does the same to the neighbour and to the product in turn, prints what came of it, and gives the
/// last pair. Both have to make the same calls to others, or the comparison would say nothing.
pub(crate) async fn compare(
    field: &mut Field,
    name: &str,
    round: impl AsyncFnMut(&mut Field, Side) -> Round,
) -> Pair {
    let last = set_beside(Side::Bare, field, name, round).await;
    assert_eq!(last.other.calls, last.ours.calls, "{name}: they do not do the same work");
    println!("  calls for each request, the same of both: {}", last.ours.calls);
    last
}

/// The same beside the product with `memory`.
pub(crate) async fn compare_to_memory(
    field: &mut Field,
    name: &str,
    round: impl AsyncFnMut(&mut Field, Side) -> Round,
) {
    let last = set_beside(Side::Memory, field, name, round).await;
    assert_eq!(last.other.calls, last.ours.calls, "{name}: they do not do the same work");
}

/// The same beside a peer, which makes fewer calls.
pub(crate) async fn compare_to_peer(
    field: &mut Field,
    name: &str,
    round: impl AsyncFnMut(&mut Field, Side) -> Round,
) {
    let last = set_beside(Side::Peer, field, name, round).await;
    println!("  calls of the peer for each request: {}", last.other.calls);
    println!("  calls of ours for each request: {}", last.ours.calls);
}

/// Does the same to another and to the product in turn, prints what came of it, and gives the last pair.
pub(crate) async fn set_beside(
    other: Side,
    field: &mut Field,
    name: &str,
    mut round: impl AsyncFnMut(&mut Field, Side) -> Round,
) -> Pair {
    let mut pairs = Vec::new();
    // The first pair warms up and does not count.
    for counts in std::iter::once(false).chain(vec![true; rounds()]) {
        let pair = Pair { other: round(field, other).await, ours: round(field, Side::Ours).await };
        if counts {
            pairs.push(pair);
        }
    }
    println!("\n{name}");
    print_side(other, &pairs, |pair| &pair.other);
    print_side(Side::Ours, &pairs, |pair| &pair.ours);
    let ratio = Spread::of(pairs.iter().map(|pair| pair.ours.cost() / pair.other.cost()));
    println!(
        "  processor time, ours / {}: median {:.2}, from {:.2} to {:.2} over {} pairs",
        other.name(),
        ratio.median,
        ratio.lowest,
        ratio.highest,
        pairs.len()
    );
    pairs.pop().expect("a pair")
}

fn rounds() -> usize {
    usize::try_from(number("LOAD_ROUNDS", 5)).unwrap_or(1).max(1)
}

/// How fast the last round was, and what each request of all rounds cost.
fn print_side(side: Side, pairs: &[Pair], of: impl Fn(&Pair) -> &Round) {
    let Some(last) = pairs.last() else { return };
    let cost = Spread::of(pairs.iter().map(|pair| of(pair).cost()));
    println!(
        "  {:<10}{}, {:.0} µs of processor each ({:.0} to {:.0})",
        side.name(),
        of(last).outcome,
        cost.median,
        cost.lowest,
        cost.highest
    );
}

/// Where the figures of all rounds lie.
struct Spread {
    lowest: f64,
    median: f64,
    highest: f64,
}

impl Spread {
    fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        let at = |place: usize| figures.get(place).copied().unwrap_or_default();
        let last = figures.len().saturating_sub(1);
        Self { lowest: at(0), median: at(figures.len() / 2), highest: at(last) }
    }
}
