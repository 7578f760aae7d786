//! Residues packed at just their prime's bits, least significant bit first.

use super::WireError;
use crate::ring::{Basis, Modulus, Ntt, Poly, Ring};

/// What is left of a message.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `count` bytes.
    pub fn take(
        &mut self,
        count: usize,
        what: impl FnOnce() -> String,
    ) -> Result<&'a [u8], WireError> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(WireError::Truncated {
                what: what(),
                needed: count,
                found: self.rest.len(),
            }),
        }
    }

    /// The next fields, in bincode's fixed-width little-endian form.
    pub fn fields<T: bincode::Decode<()>>(
        &mut self,
        len: usize,
        what: impl Fn() -> String,
    ) -> Result<T, WireError> {
        let bytes = self.take(len, &what)?;
        match bincode::decode_from_slice(bytes, FIELDS) {
            Ok((value, used)) if used == len => Ok(value),
            Ok((_, used)) => Err(WireError::Fields {
                what: what(),
                reason: format!("{used} of {len} bytes used"),
            }),
            Err(error) => Err(WireError::Fields {
                what: what(),
                reason: error.to_string(),
            }),
        }
    }

    /// The next polynomial; its length is checked before it is allocated.
    pub fn poly(
        &mut self,
        ring: &Ring,
        basis: Basis,
        what: impl Fn() -> String,
    ) -> Result<Poly<Ntt>, WireError> {
        let bytes = self.take(ring.encoded_bits(basis).div_ceil(8), &what)?;
        let mut poly = Poly::zero(ring, basis);
        unpack(bytes, poly.limbs_mut().zip(ring.moduli_of(basis)), what)?;
        Ok(poly)
    }

    /// The next `count` residues for each prime of a basis; as [`Reader::poly`].
    pub fn residues(
        &mut self,
        count: usize,
        ring: &Ring,
        basis: Basis,
        what: impl Fn() -> String,
    ) -> Result<Vec<u32>, WireError> {
        let bits: usize = ring
            .moduli_of(basis)
            .map(|modulus| modulus.bits() as usize * count)
            .sum();
        let bytes = self.take(bits.div_ceil(8), &what)?;
        let moduli = ring.moduli_of(basis);
        let mut residues = vec![0; count * moduli.len()];
        unpack(
            bytes,
            residues.chunks_exact_mut(count.max(1)).zip(moduli),
            what,
        )?;
        Ok(residues)
    }

    /// Refuses a message that goes on.
    pub fn finish(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(WireError::Trailing { count }),
        }
    }
}

/// Reads residues from exactly as many bytes as they take.
fn unpack<'a>(
    bytes: &[u8],
    limbs: impl Iterator<Item = (&'a mut [u32], Modulus)>,
    what: impl Fn() -> String,
) -> Result<(), WireError> {
    let mut bytes = bytes.iter();
    let (mut buffer, mut available) = (0u64, 0);
    for (residues, modulus) in limbs {
        let (bits, prime) = (modulus.bits(), modulus.prime());
        for (at, residue) in residues.iter_mut().enumerate() {
            while available < bits {
                buffer |= u64::from(bytes.next().copied().unwrap_or(0)) << available;
                available += 8;
            }
            let value = (buffer & ((1 << bits) - 1)) as u32;
            buffer >>= bits;
            available -= bits;
            if value >= prime {
                return Err(WireError::Residue {
                    what: what(),
                    prime,
                    at,
                    value,
                });
            }
            *residue = value;
        }
    }
    if buffer == 0 {
        Ok(())
    } else {
        Err(WireError::Padding { what: what() })
    }
}

/// Fixed-width little-endian fields, at most 64 bytes at a time.
const FIELDS: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Fixint,
    bincode::config::Limit<64>,
> = bincode::config::legacy().with_limit::<64>();

/// Appends fields in the form [`Reader::fields`] reads.
pub fn put_fields(out: &mut Vec<u8>, fields: impl bincode::Encode) {
    // A vector takes any number of bytes and plain integers always encode.
    let written = bincode::encode_into_std_write(fields, out, FIELDS);
    debug_assert!(written.is_ok());
}

/// Appends a polynomial in the form [`Reader::poly`] reads.
pub fn put_poly(out: &mut Vec<u8>, poly: &Poly<Ntt>, ring: &Ring) {
    out.reserve(ring.encoded_bits(poly.basis()).div_ceil(8));
    put_residues(out, poly.limbs().zip(ring.moduli_of(poly.basis())));
}

/// Appends residues, for one prime after the other, in the form [`Reader::residues`] reads.
pub fn put_residues<'a>(out: &mut Vec<u8>, limbs: impl Iterator<Item = (&'a [u32], Modulus)>) {
    let (mut buffer, mut filled) = (0u64, 0);
    for (residues, modulus) in limbs {
        for &residue in residues {
            buffer |= u64::from(residue) << filled;
            filled += modulus.bits();
            while filled >= 8 {
                out.push(buffer as u8);
                buffer >>= 8;
                filled -= 8;
            }
        }
    }
    if filled > 0 {
        out.push(buffer as u8);
    }
}
