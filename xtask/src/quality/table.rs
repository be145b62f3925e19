//! Prints the scores as tables: each pair, then medians and how often each contender is better.

use serde::Serialize;

use super::pairs::Kind;
use super::scores::{SCORES, Score, Scored, ScoredPair, Scores};

/// One score over all pairs of which both contenders made a picture.
#[derive(Serialize)]
pub(crate) struct Summary {
    pairs: String,
    score: &'static str,
    unit: &'static str,
    ours_median: f64,
    peer_median: f64,
    #[serde(flatten)]
    standing: Option<Standing>,
}

/// The pairs that ours won, tied or lost; a difference within the score's resolution is a tie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
struct Standing {
    wins: usize,
    ties: usize,
    losses: usize,
}

impl Standing {
    fn count(ours_and_peer: &[(f64, f64)], resolution: f64) -> Self {
        let mut standing = Self::default();
        for (ours, peer) in ours_and_peer {
            let ahead = peer - ours;
            if ahead > resolution {
                standing.wins += 1;
            } else if ahead < -resolution {
                standing.losses += 1;
            } else {
                standing.ties += 1;
            }
        }
        standing
    }

    /// The share of the pairs in which ours is as good or better, in percent.
    fn not_worse_percent(self) -> usize {
        100 * (self.wins + self.ties) / (self.wins + self.ties + self.losses).max(1)
    }
}

/// The name for the tuned and held-out pairs together.
const BOTH: &str = "both";

/// The percentage of the pairs of each kind in which ours must not be worse than the peer's.
const NOT_WORSE_MIN: usize = 85;

/// The first prototype's medians over tuned and held-out pairs; ours must not be worse.
const PROTOTYPE: [(&str, f64); 4] = [("id_photo", 0.395), ("seam", 0.250), ("tone", 4.53), ("fringe", 0.612)];

/// Summarises every score over the tuned pairs, the held-out pairs, both together, and the hard pairs.
pub(crate) fn summaries(scored: &Scored) -> Vec<Summary> {
    let mut summaries = Vec::new();
    for kind in [Some(Kind::Tuned), Some(Kind::HeldOut), None, Some(Kind::Hard)] {
        let both: Vec<(Scores, Scores)> = scored
            .pairs
            .iter()
            .filter(|p| kind.map_or(p.pair.kind != Kind::Hard, |kind| p.pair.kind == kind))
            .filter_map(|p| p.ours.zip(p.peer))
            .collect();
        if both.is_empty() {
            continue;
        }
        let name = kind.map_or_else(|| BOTH.to_owned(), |kind| kind.to_string());
        summaries
            .extend(SCORES.iter().map(|score| summary(&name, score, &both, (score.of)(&scored.resolution))));
    }
    summaries
}

/// Describes each missed goal: too many pairs worse than the peer's, or a median worse than the prototype's.
pub(crate) fn shortfalls(scored: &Scored) -> Vec<String> {
    let mut short = Vec::new();
    for Summary { pairs, score, ours_median, standing, .. } in summaries(scored) {
        let Some((_, prototype)) = PROTOTYPE.iter().find(|(name, _)| *name == score) else { continue };
        let not_worse = standing.map_or(0, Standing::not_worse_percent);
        if pairs == BOTH && ours_median > *prototype {
            short.push(format!("{score}: the median is {ours_median:.3}, the goal is at most {prototype}"));
        } else if pairs != BOTH && not_worse < NOT_WORSE_MIN {
            short.push(format!(
                "{score}: not worse in {not_worse} % of the {pairs} pairs, the goal is {NOT_WORSE_MIN} %"
            ));
        }
    }
    short
}

fn summary(name: &str, score: &Score, both: &[(Scores, Scores)], resolution: f64) -> Summary {
    let values: Vec<(f64, f64)> =
        both.iter().map(|(ours, peer)| ((score.of)(ours), (score.of)(peer))).collect();
    Summary {
        pairs: name.to_owned(),
        score: score.name,
        unit: score.unit,
        ours_median: median(values.iter().map(|v| v.0).collect()),
        peer_median: median(values.iter().map(|v| v.1).collect()),
        standing: score.is_fault.then(|| Standing::count(&values, resolution)),
    }
}

/// The median: the middle value, or the mean of the middle two; 0 for no values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => 0.0,
        (Some(value), 1) => *value,
        (Some(above), _) => f64::midpoint(values[middle - 1], *above),
    }
}

/// Prints the table to stdout.
#[expect(clippy::print_stdout, reason = "the table is the command's result")]
pub(crate) fn print(scored: &Scored) {
    for kind in [Kind::Tuned, Kind::HeldOut, Kind::Hard] {
        let pairs: Vec<&ScoredPair> = scored.pairs.iter().filter(|p| p.pair.kind == kind).collect();
        if pairs.is_empty() {
            continue;
        }
        println!(
            "\n{kind} pairs: ours / peer, lower is better except id_template (placement only describes)"
        );
        let heading: String = SCORES.iter().map(|score| format!("{:>15}", score.name)).collect();
        println!("{:28}{heading}", "");
        for pair in pairs {
            println!("{:28}{}", pair.pair.to_string(), row(pair));
        }
    }
    println!(
        "\n{:12}{:13}{:>8}{:>10}{:>10}{:>7}{:>6}{:>8}{:>12}",
        "pairs", "score", "unit", "ours", "peer", "better", "same", "worse", "not worse"
    );
    for Summary { pairs, score, unit, ours_median, peer_median, standing } in summaries(scored) {
        let counts = standing.map_or_else(String::new, |s| {
            format!("{:>7}{:>6}{:>8}{:>10} %", s.wins, s.ties, s.losses, s.not_worse_percent())
        });
        println!("{pairs:12}{score:13}{unit:>8}{ours_median:>10.3}{peer_median:>10.3}{counts}");
    }
}

fn row(pair: &ScoredPair) -> String {
    let value = |scores: &Option<Scores>, score: &Score| {
        scores.as_ref().map_or_else(|| "-".to_owned(), |scores| format!("{:.2}", (score.of)(scores)))
    };
    let cell = |score: &Score| {
        format!("{:>15}", format!("{} /{:>6}", value(&pair.ours, score), value(&pair.peer, score)))
    };
    let cells: String = SCORES.iter().map(cell).collect();
    pair.refused.as_ref().map_or_else(|| cells.clone(), |reason| format!("{cells}  refused: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_values_lies_between_the_middle_two() {
        assert!((median(vec![4.0, 1.0, 3.0, 100.0]) - 3.5).abs() < 1e-12);
        assert!((median(vec![5.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!(median(Vec::new()).abs() < 1e-12);
    }

    #[test]
    fn differences_within_the_resolution_are_ties() {
        let standing = Standing::count(&[(1.0, 2.0), (1.0, 1.2), (1.2, 1.0), (2.0, 1.0)], 0.5);
        assert_eq!(standing, Standing { wins: 1, ties: 2, losses: 1 });
        assert_eq!(standing.not_worse_percent(), 75);
    }
}
