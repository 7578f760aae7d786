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
        let mut poly = Poly::unwritten(ring, basis);
        unpack(bytes, poly.limbs_mut().zip(ring.moduli_of(basis)), what)?;
        Ok(poly)
    }

    /// The next `count` numbers below `2^bits`, for at most 32 bits; as [`Reader::poly`].
    pub fn numbers(
        &mut self,
        count: usize,
        bits: u32,
        what: impl Fn() -> String,
    ) -> Result<Vec<u32>, WireError> {
        let bytes = self.take((bits as usize * count).div_ceil(8), &what)?;
        let mut numbers = vec![0; count];
        let mut packed = Packed::new(bytes);
        packed.read(&mut numbers, bits);
        packed.finish(what)?;
        Ok(numbers)
    }

    /// What was not read yet.
    pub fn rest(self) -> &'a [u8] {
        self.rest
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
    let mut packed = Packed::new(bytes);
    for (residues, modulus) in limbs {
        let prime = modulus.prime();
        packed.read(residues, modulus.bits());
        check_below(prime, residues, 0, &what)?;
    }
    packed.finish(what)
}

/// Checks residues from the one at index `first` on.
fn check_below(
    prime: u32,
    residues: &[u32],
    first: usize,
    what: impl Fn() -> String,
) -> Result<(), WireError> {
    // All at once first: that takes no branches.
    if residues.iter().fold(0, |most, &value| most.max(value)) < prime {
        return Ok(());
    }
    let mut numbered = (first..).zip(residues);
    match numbered.find(|(_, value)| **value >= prime) {
        Some((at, &value)) => Err(WireError::Residue {
            what: what(),
            prime,
            at,
            value,
        }),
        None => Ok(()),
    }
}

/// Numbers of a block: whole words of 64 bits, whatever bits each of them takes. A ring's degree is
/// a multiple of it.
const BLOCK: usize = 64;

/// A polynomial whose bytes come in parts.
///
/// It grows by what has come: nothing is allocated for what is only promised.
#[derive(Debug)]
pub struct OpenPoly {
    basis: Basis,
    residues: Vec<u32>,
}

impl OpenPoly {
    /// A polynomial of which nothing has come.
    pub fn new(basis: Basis) -> Self {
        Self {
            basis,
            residues: Vec::new(),
        }
    }

    /// Reads as many whole blocks as `bytes` begin with; returns the bytes behind them.
    pub fn read<'a>(
        &mut self,
        mut bytes: &'a [u8],
        ring: &Ring,
        what: impl Fn() -> String,
    ) -> Result<&'a [u8], WireError> {
        while let Some((modulus, read)) = self.limb(ring) {
            let block = block_len(modulus);
            let missing = (ring.degree() - read) / BLOCK;
            let blocks = missing.min(bytes.len() / block);
            let Some((taken, rest)) = bytes.split_at_checked(blocks * block) else {
                return Ok(bytes);
            };
            let before = self.residues.len();
            self.residues.resize(before + blocks * BLOCK, 0);
            if let Some(residues) = self.residues.get_mut(before..) {
                Packed::new(taken).read(residues, modulus.bits());
                check_below(modulus.prime(), residues, read, &what)?;
            }
            bytes = rest;
            if blocks < missing {
                break;
            }
        }
        Ok(bytes)
    }

    /// Bytes of the block that comes next; nothing after the last.
    pub fn next_len(&self, ring: &Ring) -> Option<usize> {
        self.limb(ring).map(|(modulus, _)| block_len(modulus))
    }

    /// Bytes that were read.
    pub fn read_len(&self, ring: &Ring) -> usize {
        let mut left = self.residues.len();
        let bits = ring.moduli_of(self.basis).map(|modulus| {
            let of_limb = left.min(ring.degree());
            left -= of_limb;
            of_limb * modulus.bits() as usize
        });
        bits.sum::<usize>() / 8
    }

    /// The polynomial; nothing if bytes are missing.
    pub fn close(self, ring: &Ring) -> Option<Poly<Ntt>> {
        Poly::from_residues(self.residues, ring, self.basis)
    }

    /// The modulus of the limb that is read, and how many of its residues were.
    fn limb(&self, ring: &Ring) -> Option<(Modulus, usize)> {
        let (limb, read) = (
            self.residues.len() / ring.degree(),
            self.residues.len() % ring.degree(),
        );
        Some((ring.moduli_of(self.basis).nth(limb)?, read))
    }
}

fn block_len(modulus: Modulus) -> usize {
    BLOCK / 8 * modulus.bits() as usize
}

/// Numbers without gaps, read by words of 64 bits.
struct Packed<'a> {
    words: std::slice::Iter<'a, [u8; 8]>,
    /// The bytes after the last whole word.
    tail: &'a [u8],
    /// What is left of the word in use, above it zeros.
    word: u64,
    /// Bits that are left of it.
    left: u32,
}

impl<'a> Packed<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let (words, tail) = bytes.as_chunks();
        Self {
            words: words.iter(),
            tail,
            word: 0,
            left: 0,
        }
    }

    /// The next word; zeros where no bytes are left.
    fn next_word(&mut self) -> u64 {
        if let Some(word) = self.words.next() {
            return u64::from_le_bytes(*word);
        }
        let tail = std::mem::take(&mut self.tail).iter();
        tail.rfold(0, |word, &byte| word << 8 | u64::from(byte))
    }

    /// The next numbers of `bits` bits, at most 32.
    fn read(&mut self, numbers: &mut [u32], bits: u32) {
        let mask = (1 << bits) - 1;
        for number in numbers {
            let mut value = self.word;
            if self.left < bits {
                let next = self.next_word();
                value |= next << self.left;
                self.word = next >> (bits - self.left);
                self.left += 64 - bits;
            } else {
                self.word >>= bits;
                self.left -= bits;
            }
            *number = (value & mask) as u32;
        }
    }

    /// Refuses set bits after the last number.
    fn finish(self, what: impl Fn() -> String) -> Result<(), WireError> {
        if self.word == 0 {
            Ok(())
        } else {
            Err(WireError::Padding { what: what() })
        }
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
    let bits = ring.moduli_of(poly.basis()).map(Modulus::bits);
    put_residues(out, poly.limbs().zip(bits));
}

/// Appends numbers of at most 32 bits, each with those of its limb, one limb after the other, in
/// the form [`Reader::poly`] and [`Reader::numbers`] read.
pub fn put_residues<'a>(out: &mut Vec<u8>, limbs: impl Iterator<Item = (&'a [u32], u32)>) {
    let (mut word, mut filled) = (0u64, 0);
    for (numbers, bits) in limbs {
        for &number in numbers {
            let number = u64::from(number);
            word |= number << filled;
            filled += bits;
            if filled >= 64 {
                out.extend_from_slice(&word.to_le_bytes());
                filled -= 64;
                // What did not fit.
                word = number >> (bits - filled);
            }
        }
    }
    let left = word.to_le_bytes().into_iter();
    out.extend(left.take(filled.div_ceil(8) as usize));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::Level;
    use crate::wire::by_hand::{RING, packed};
    use proptest::prelude::*;

    fn limbs() -> impl Strategy<Value = Vec<(Vec<u32>, u32)>> {
        let limb = (1..=32u32, 0..40usize).prop_flat_map(|(bits, count)| {
            let number = any::<u32>().prop_map(move |number| number >> (32 - bits));
            (proptest::collection::vec(number, count), Just(bits))
        });
        proptest::collection::vec(limb, 0..4)
    }

    proptest! {
        #[test]
        fn numbers_are_written_bit_by_bit(limbs in limbs()) {
            let mut written = vec![7];
            put_residues(&mut written, limbs.iter().map(|(numbers, bits)| (&numbers[..], *bits)));
            prop_assert_eq!(&written[1..], packed(&limbs));
        }

        #[test]
        fn numbers_are_read_back(limbs in limbs(), set in 0..7u32) {
            let what = || "numbers".to_owned();
            for (numbers, bits) in limbs {
                let mut bytes = Vec::new();
                put_residues(&mut bytes, [(&numbers[..], bits)].into_iter());
                let read = |bytes: &[u8]| Reader::new(bytes).numbers(numbers.len(), bits, what);
                prop_assert_eq!(read(&bytes), Ok(numbers.clone()));
                // One of the bits that fill the last byte.
                let used = numbers.len() * bits as usize % 8;
                if let (Some(last), true) = (bytes.last_mut(), used > 0) {
                    *last |= 1 << (used as u32 + set % (8 - used as u32));
                    prop_assert_eq!(read(&bytes), Err(WireError::Padding { what: what() }));
                }
            }
        }
    }

    /// Where the largest residue is the prime itself, and where others are larger still.
    #[test]
    fn the_first_residue_that_is_none_is_named() {
        for larger in [0, 1] {
            check_residue(larger);
        }
    }

    #[track_caller]
    fn check_residue(larger: u32) {
        let ring = &*RING;
        let basis = Basis::Q(Level(1));
        let modulus = ring.moduli_of(basis).nth(1).expect("two primes");
        let prime = modulus.prime();
        let mut poly = Poly::zero(ring, basis);
        let last = poly.limbs_mut().nth(1).expect("two limbs");
        last[..5].copy_from_slice(&[5, 6, prime, 8, prime + larger]);
        let mut bytes = Vec::new();
        put_poly(&mut bytes, &poly, ring);
        let what = || "residues".to_owned();
        let refusal = WireError::Residue {
            what: what(),
            prime,
            at: 2,
            value: prime,
        };
        let got = Reader::new(&bytes).poly(ring, basis, what);
        assert_eq!(got, Err(refusal));
    }

    #[test]
    fn fields_that_leave_bytes_of_theirs_are_refused() {
        let read = Reader::new(&[1, 2, 3, 4]).fields::<u16>(4, || "a field".to_owned());
        let refusal = WireError::Fields {
            what: "a field".to_owned(),
            reason: "2 of 4 bytes used".to_owned(),
        };
        assert_eq!(read, Err(refusal));
    }
}
