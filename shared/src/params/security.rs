//! The 128-bit line: how large Q·P may be for a ring degree.
//!
//! Source: Bossuat et al., *Security Guidelines for Implementing Homomorphic Encryption*,
//! ePrint 2024/463, Table 5.2, for a uniform ternary secret and errors of σ = 3.2.

/// Largest log2(Q·P) with 128 bits of security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Against classical attacks.
    pub classical: u32,
    /// Against quantum attacks (the `LaaMosPol14` cost model).
    pub quantum: u32,
}

/// The line for N = 2^`log_n`, from 2^11 to 2^17.
///
/// Where the table gives no quantum figure, 95 % of the classical one stands in for it.
#[must_use]
pub const fn max_log2_qp(log_n: u32) -> Option<Line> {
    let (classical, quantum) = match log_n {
        11 => (53, 50),
        12 => (106, 101),
        13 => (214, 203),
        14 => (430, 409),
        15 => (868, 825),
        16 => (1747, 1663),
        17 => (3523, 3346),
        _ => return None,
    };
    Some(Line { classical, quantum })
}

/// Bits of the product of all primes, computed exactly: log2 of it, rounded up.
///
/// # Panics
/// If the product has more than 4096 bits; 64 primes below 2^31 have at most 1984.
#[must_use]
pub const fn product_bits(lists: &[&[u32]]) -> u32 {
    let mut product = [0u32; 128];
    product[0] = 1;
    let mut list = 0;
    while list < lists.len() {
        multiply(&mut product, lists[list]);
        list += 1;
    }
    let mut limb = product.len();
    while limb > 0 {
        limb -= 1;
        if product[limb] != 0 {
            return limb as u32 * 32 + (32 - product[limb].leading_zeros());
        }
    }
    0
}

const fn multiply(product: &mut [u32; 128], primes: &[u32]) {
    let mut at = 0;
    while at < primes.len() {
        let mut carry = 0u64;
        let mut limb = 0;
        while limb < product.len() {
            let sum = product[limb] as u64 * primes[at] as u64 + carry;
            product[limb] = sum as u32;
            carry = sum >> 32;
            limb += 1;
        }
        assert!(carry == 0, "product of primes exceeds 4096 bits");
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_products() {
        assert_eq!(product_bits(&[]), 1);
        assert_eq!(product_bits(&[&[3], &[5]]), 4);
        assert_eq!(product_bits(&[&[1 << 16, 1 << 16], &[1 << 16]]), 49);
        assert_eq!(product_bits(&[&[u32::MAX; 3]]), 96);
    }
}
