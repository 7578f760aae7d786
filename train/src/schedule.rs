//! The learning rate over a run.

/// Share of the steps in which the rate rises.
const WARM_UP: f64 = 0.08;

/// One cycle: a straight rise to the peak, then half a cosine down to zero.
#[must_use]
pub fn one_cycle(step: usize, steps: usize, peak: f64) -> f64 {
    let done = step as f64 / steps.max(1) as f64;
    if done < WARM_UP {
        return peak * (done / WARM_UP).max(0.02);
    }
    let fall = (done - WARM_UP) / (1.0 - WARM_UP);
    peak * f64::midpoint(1.0, (std::f64::consts::PI * fall).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_to_the_peak_and_falls_to_zero() {
        let rates: Vec<_> = (0..=1000).map(|step| one_cycle(step, 1000, 3.0)).collect();
        assert!(rates[0] > 0.0);
        assert!((rates[80] - 3.0).abs() < 1e-12);
        assert!(rates[1000].abs() < 1e-12);
        assert!(rates[..80].is_sorted());
        assert!(rates[80..].is_sorted_by(|earlier, later| earlier >= later));
    }
}
