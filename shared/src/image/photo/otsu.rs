//! Otsu's threshold: the one that leaves both sides as far apart, and as large, as possible.

/// Brightness is told apart this finely.
const LEVELS: usize = 256;

/// Two kinds of pixels, told apart by a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// The mean below the threshold.
    pub paper: f32,
    /// The mean above it.
    pub ink: f32,
    /// What divides them.
    pub threshold: f32,
    /// The share of pixels above.
    pub share: f32,
}

impl Split {
    /// How far apart both means are.
    pub fn contrast(&self) -> f32 {
        self.ink - self.paper
    }

    /// 0 for paper, 1 for ink, and a soft edge between them.
    pub fn soften(&self, pixel: f32) -> f32 {
        let from = f32::midpoint(self.paper, self.threshold);
        let to = f32::midpoint(self.threshold, self.ink);
        ((pixel - from) / (to - from).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0)
    }
}

/// Tells pixels within `0..=1` apart. Where all are the same, nothing is ink and there is no contrast.
pub fn split(pixels: &[f32]) -> Split {
    let mut counts = [0_usize; LEVELS];
    for pixel in pixels {
        counts[((pixel * LEVELS as f32) as usize).min(LEVELS - 1)] += 1;
    }
    let level = |at: usize| (at as f64 + 0.5) / LEVELS as f64;
    let weighted = |(at, &count): (usize, &usize)| level(at) * count as f64;
    let all = pixels.len() as f64;
    let sum: f64 = counts.iter().enumerate().map(weighted).sum();
    let mean = (sum / all) as f32;
    let mut best = Split {
        paper: mean,
        ink: mean,
        threshold: 1.0,
        share: 0.0,
    };
    let (mut below, mut sum_below, mut furthest) = (0.0, 0.0, 0.0);
    for (at, &count) in counts.iter().enumerate() {
        below += count as f64;
        sum_below += weighted((at, &count));
        let above = all - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let (paper, ink) = (sum_below / below, (sum - sum_below) / above);
        let between = below * above * (ink - paper) * (ink - paper);
        if between > furthest {
            furthest = between;
            best = Split {
                paper: paper as f32,
                ink: ink as f32,
                threshold: (at + 1) as f32 / LEVELS as f32,
                share: (above / all) as f32,
            };
        }
    }
    best
}
