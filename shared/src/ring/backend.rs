//! The one place where arithmetic kernels are chosen.
//!
//! Every kernel computes what [`scalar`] computes, bit for bit; `scalar` itself meets schoolbook
//! products. Vector kernels join it here and are picked at start by detected features.

mod scalar;

pub use scalar::Scalar;

use super::ntt::NttTables;

/// Inner loops over the residues of one prime.
pub trait Kernel: Sync {
    /// Name for messages and measurements.
    fn name(&self) -> &'static str;

    /// Coefficients to NTT values, in place; residues in, residues out.
    fn forward_ntt(&self, residues: &mut [u32], tables: &NttTables);

    /// NTT values to coefficients, in place; residues in, residues out.
    fn inverse_ntt(&self, residues: &mut [u32], tables: &NttTables);
}

/// The kernel in use.
#[must_use]
pub fn kernel() -> &'static dyn Kernel {
    &Scalar
}
