//! Inputs that are made up, where nobody gave any: to see how large a network's values become.

/// Something like a drawing: a pen that wanders over the paper; noise where the input is no picture.
/// Values are from 0 to 1, and the same for the same seed.
#[must_use]
pub fn drawing(shape: &[usize], seed: u64) -> Vec<f64> {
    let (rows, columns) = match *shape {
        [.., rows, columns] if rows >= 8 && columns >= 8 => (rows, columns),
        _ => return noise(shape, seed),
    };
    let mut random = Random(seed);
    let mut ink = vec![0.0f64; shape.iter().product()];
    let (height, width) = (rows as f64, columns as f64);
    let size = height.min(width);
    for picture in ink.chunks_mut(rows * columns) {
        let mut at = [height, width].map(|side| side * (0.3 + 0.4 * random.uniform()));
        let mut angle = std::f64::consts::TAU * random.uniform();
        let radius = size * (0.03 + 0.03 * random.uniform());
        for _ in 0..rows + columns {
            angle += 1.2 * (random.uniform() - 0.5);
            let step = [angle.sin(), angle.cos()].map(|part| part * size / 28.0);
            for ((at, step), side) in at.iter_mut().zip(step).zip([height, width]) {
                *at = (*at + step).clamp(0.15 * side, 0.85 * side);
            }
            for (pixel, ink) in picture.iter_mut().enumerate() {
                let [y, x] = [(pixel / columns) as f64, (pixel % columns) as f64];
                let distance = (y - at[0]).hypot(x - at[1]);
                *ink = ink.max((1.5 - distance / radius).clamp(0.0, 1.0));
            }
        }
    }
    ink
}

/// Values from 0 to 1, all of them equally likely; the same for the same seed.
#[must_use]
pub fn noise(shape: &[usize], seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    (0..shape.iter().product())
        .map(|_| random.uniform())
        .collect()
}

/// Numbers that are the same everywhere and look random (Steele, Lea and Flood, OOPSLA 2014:
/// `SplitMix64`).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}
