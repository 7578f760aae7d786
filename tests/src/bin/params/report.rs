//! The search as a document.

use std::fmt::Write as _;

use evaluator::engine::Walk;
use shared::params::ParameterSpec;
use shared::ring::backend::kernel;

use crate::candidate::{Candidate, walk_label};
use crate::chains::describe;
use crate::measure::{Measured, Samples};

/// Bytes of keys that a choice is made for: no limit, the goal and the stretch goal.
pub const KEY_BUDGETS: [usize; 3] = [usize::MAX, KEY_GOAL, KEY_GOAL / 2];

/// Most bytes of keys that a session should upload.
const KEY_GOAL: usize = 1_000_000;

/// Times that differ by less can't be told apart.
const NOISE_OF_TIMES: f64 = 0.05;

/// Errors that differ by less can't either.
const NOISE_OF_ERRORS: f64 = 0.1;

/// A candidate that was run.
pub struct Row {
    pub candidate: Candidate,
    pub measured: Measured,
}

impl From<(Candidate, Measured)> for Row {
    fn from((candidate, measured): (Candidate, Measured)) -> Self {
        Self {
            candidate,
            measured,
        }
    }
}

/// All that the document says.
pub struct Report<'a> {
    pub model: String,
    pub shipped: &'a ParameterSpec,
    /// Chains, those that fit the network, those precise enough, and with walks.
    pub tried: [usize; 4],
    pub limit: f64,
    pub samples: &'a Samples,
    /// The fastest first.
    pub rows: &'a [Row],
}

impl Report<'_> {
    /// The document.
    pub fn to_markdown(&self) -> String {
        let [chains, fitting, precise, walked] = self.tried;
        let (least, most) = self.ratios();
        format!(
            "# Parameters\n\n\
             Written by `cargo xtask params {model}`; times are of {machine}.\n\n\
             ## What was searched\n\n\
             **Primes.** {chains} chains at N = 2^{log_n} within the 128-bit line of \
             [security.md](security.md): bits of each level and of P, in as few primes as they need \
             or one more, levels with primes of their own or with those of the level below. Primes \
             are the largest of their bits, so none is wasted on the wire. {fitting} chains fit the \
             network; {precise} promise errors of at most {limit:.3} in the logits (root mean \
             square). The digits of each key follow by the circuit's rule: the largest whose noise \
             is drowned by that of what is switched.\n\n\
             **Walks.** Chains that no other beats in time, bytes and error, and the shipped one, were \
             compiled for 1 to 16 baby steps, stages of 2, 4 or 8 terms in the rotate-and-sum, and \
             one or two values in a slot: {walked} different circuits that are precise enough. \
             Babies take keys of small digits, since the input's scale is small; giants, one key but \
             a decomposition each; a stage of r terms, r - 1 keys and one decomposition.\n\n\
             **Measured** were the fastest for each budget of keys and some that no other beats: \
             {measured} circuits on {samples} {origin}, the least time of all. Times are predicted \
             from counted transforms, products, permutations and sums, each priced at the start of \
             the run; what is measured takes {least:.2} to {most:.2} times as long, for memory and \
             caches.\n\n\
             Primes are given by their bits, levels from the lowest, then P; a walk by its baby \
             steps, the terms of a stage and the values in a slot; time and error as predicted → \
             measured. \"Differ\" counts inputs whose class isn't that of plain arithmetic.\n\n\
             ## Walks, with the shipped primes\n\n\
             {walks}\n\
             ## Other primes\n\n\
             {others}\n\
             ## Choice\n\n\
             {choice}\n\
             {verdict}",
            model = self.model,
            machine = machine(),
            log_n = self.shipped.log_n,
            limit = self.limit,
            measured = self.rows.len(),
            samples = self.samples.inputs.len(),
            origin = self.samples.origin,
            walks = self.table(|candidate| candidate.set == *self.shipped),
            others = self.table(|candidate| candidate.set != *self.shipped),
            choice = self.choice(),
            verdict = self.verdict(),
        )
    }

    /// What staying within the quantum line would cost at this speed.
    fn quantum(&self, seconds: f64) -> String {
        let as_good = |row: &&Row| {
            row.candidate.quantum
                && row.measured.traffic[0] <= KEY_GOAL
                && row.measured.seconds <= seconds * (1.0 + NOISE_OF_TIMES)
        };
        let errors = self
            .rows
            .iter()
            .filter(as_good)
            .map(|row| row.measured.error);
        let least = errors.fold(f64::MAX, f64::min);
        match least {
            f64::MAX => "Within the quantum line nothing is as fast with so few keys.".to_owned(),
            _ => format!(
                "Within the quantum line errors are at least {least:.3} at this speed and size."
            ),
        }
    }

    /// Least and largest ratio of measured to predicted time.
    fn ratios(&self) -> (f64, f64) {
        let ratio = |row: &Row| row.measured.seconds / row.candidate.seconds;
        let ratios = self.rows.iter().map(ratio);
        ratios.fold((f64::MAX, 0.0), |(least, most), ratio| {
            (least.min(ratio), most.max(ratio))
        })
    }

    fn table(&self, wanted: impl Fn(&Candidate) -> bool) -> String {
        let mut table = "| primes | walk | log2(QP) | quantum line | ms | error | differ | keys, bytes | up | down |\n\
             |---|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
        for Row {
            candidate,
            measured,
        } in self.rows.iter().filter(|row| wanted(&row.candidate))
        {
            let [keys, up, down] = measured.traffic;
            let primes = describe(&candidate.set.levels, &candidate.set.special);
            let shipped = candidate.is(self.shipped, Walk::default());
            let _ = writeln!(
                table,
                "| {primes}{} | {} | {} | {} | {:.2} → {:.2} | {:.3} → {:.3} | {} | {keys} | {up} | {down} |",
                if shipped { " (shipped)" } else { "" },
                walk_label(candidate.walk),
                candidate.bits,
                if candidate.quantum { "within" } else { "above" },
                candidate.seconds * 1e3,
                measured.seconds * 1e3,
                candidate.error,
                measured.error,
                measured.disagreements,
            );
        }
        table
    }

    /// How the shipped circuit stands to the fastest within the goal for keys.
    fn verdict(&self) -> String {
        let goal = |row: &&Row| row.measured.traffic[0] <= KEY_GOAL;
        let shipped = |row: &&Row| row.candidate.is(self.shipped, Walk::default());
        let (Some(best), Some(shipped)) =
            (self.rows.iter().find(goal), self.rows.iter().find(shipped))
        else {
            return "Nothing that was measured meets the goal for keys.\n".to_owned();
        };
        let slower = 100.0 * (shipped.measured.seconds / best.measured.seconds - 1.0);
        let precise = self.rows.iter().filter(goal).filter(|row| {
            row.measured.seconds <= best.measured.seconds * (1.0 + NOISE_OF_TIMES)
                && row.measured.error < shipped.measured.error * (1.0 - NOISE_OF_ERRORS)
        });
        let stands = if slower <= 100.0 * NOISE_OF_TIMES && precise.count() == 0 {
            format!(
                "The shipped set and walk are the choice: within {:.0} % of the fastest, which is as \
                 well as times can be told apart, nothing with so few keys is more precise.",
                100.0 * NOISE_OF_TIMES
            )
        } else {
            format!(
                "The shipped set and walk are not the choice: they take {slower:.0} % longer than \
                 the fastest, or others as fast are more precise."
            )
        };
        format!(
            "The goal for keys is {KEY_GOAL} bytes. {stands} Precision decides between equals: an error \
             near a tie between two classes changes the answer. {}\n",
            self.quantum(shipped.measured.seconds)
        )
    }

    /// The most precise of the fastest.
    fn best(&self, fits: impl Fn(&Row) -> bool) -> Option<&Row> {
        let fitting = || self.rows.iter().filter(|row| fits(row));
        let least = fitting()
            .map(|row| row.measured.seconds)
            .fold(f64::MAX, f64::min);
        let fast = |row: &&Row| row.measured.seconds <= least * (1.0 + NOISE_OF_TIMES);
        let error = |row: &&Row| row.measured.error;
        fitting()
            .filter(fast)
            .min_by(|left, right| error(left).total_cmp(&error(right)))
    }

    /// The best for each budget of keys, with and without the quantum line.
    fn choice(&self) -> String {
        let mut text = "The most precise of the fastest:\n\n".to_owned();
        for budget in KEY_BUDGETS {
            for quantum in [false, true] {
                let fits = |row: &Row| {
                    row.measured.traffic[0] <= budget && (row.candidate.quantum || !quantum)
                };
                let keys = match budget {
                    usize::MAX => "any keys".to_owned(),
                    _ => format!("keys of at most {} KB", budget / 1000),
                };
                let line = if quantum {
                    ", within the quantum line"
                } else {
                    ""
                };
                let describe = |Row {
                                    candidate,
                                    measured,
                                }: &Row| {
                    format!(
                        "{} with walk {}: {:.2} ms, {} bytes, error {:.3}",
                        describe(&candidate.set.levels, &candidate.set.special),
                        walk_label(candidate.walk),
                        measured.seconds * 1e3,
                        measured.traffic[0],
                        measured.error,
                    )
                };
                let found = self
                    .best(fits)
                    .map_or("none was measured".to_owned(), describe);
                let _ = writeln!(text, "- {keys}{line}: {found}.");
            }
        }
        text
    }
}

/// The processor's name and the kernels in use.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    format!(
        "one core of {} with {} kernels",
        name.unwrap_or(std::env::consts::ARCH),
        kernel().name()
    )
}
