//! The key stream of `ChaCha20`, one block in each lane.

use super::Lanes;
use crate::ring::Seed;
use crate::ring::backend::KEY_STREAM_WORDS;

/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Words of a block.
const BLOCK: usize = 16;

/// As [`super::Scalar`]'s `key_stream`.
#[inline(always)]
pub unsafe fn key_stream<V: Lanes>(
    out: &mut [u32; KEY_STREAM_WORDS],
    key: &Seed,
    nonce: u64,
    block: u64,
) {
    for (first, out) in (block..)
        .step_by(V::COUNT)
        .zip(out.chunks_exact_mut(BLOCK * V::COUNT))
    {
        unsafe {
            let start = initial_state::<V>(key, nonce, first);
            let mut state = start;
            for _ in 0..10 {
                double_round(&mut state);
            }
            for (word, start) in state.iter_mut().zip(start) {
                *word = word.add(start);
            }
            for (run, words) in state.chunks_exact_mut(V::COUNT).enumerate() {
                transpose(words);
                for (block, words) in out.chunks_exact_mut(BLOCK).zip(words) {
                    words.store(&mut block[run * V::COUNT..]);
                }
            }
        }
    }
}

/// Constants, key, counters from `first` on and nonce.
#[inline(always)]
unsafe fn initial_state<V: Lanes>(key: &Seed, nonce: u64, first: u64) -> [V; BLOCK] {
    // As many as the widest vectors have lanes.
    let counters: [u64; 16] = std::array::from_fn(|lane| first.wrapping_add(lane as u64));
    unsafe {
        let mut state = [V::splat(0); BLOCK];
        let key = key.as_chunks().0.iter();
        let words = CONSTANTS
            .into_iter()
            .chain(key.map(|word| u32::from_le_bytes(*word)));
        for (state, word) in state.iter_mut().zip(words) {
            *state = V::splat(word);
        }
        state[12] = V::load(&counters.map(|counter| counter as u32));
        state[13] = V::load(&counters.map(|counter| (counter >> 32) as u32));
        state[14] = V::splat(nonce as u32);
        state[15] = V::splat((nonce >> 32) as u32);
        state
    }
}

#[inline(always)]
unsafe fn double_round<V: Lanes>(state: &mut [V; BLOCK]) {
    unsafe {
        quarter_round(state, [0, 4, 8, 12]);
        quarter_round(state, [1, 5, 9, 13]);
        quarter_round(state, [2, 6, 10, 14]);
        quarter_round(state, [3, 7, 11, 15]);
        quarter_round(state, [0, 5, 10, 15]);
        quarter_round(state, [1, 6, 11, 12]);
        quarter_round(state, [2, 7, 8, 13]);
        quarter_round(state, [3, 4, 9, 14]);
    }
}

#[inline(always)]
unsafe fn quarter_round<V: Lanes>(state: &mut [V; BLOCK], [a, b, c, d]: [usize; 4]) {
    unsafe {
        state[a] = state[a].add(state[b]);
        state[d] = state[d].xor(state[a]).rotate_left::<16>();
        state[c] = state[c].add(state[d]);
        state[b] = state[b].xor(state[c]).rotate_left::<12>();
        state[a] = state[a].add(state[b]);
        state[d] = state[d].xor(state[a]).rotate_left::<8>();
        state[c] = state[c].add(state[d]);
        state[b] = state[b].xor(state[c]).rotate_left::<7>();
    }
}

/// Rows of a square matrix to its columns.
#[inline(always)]
unsafe fn transpose<V: Lanes>(rows: &mut [V]) {
    unsafe {
        if V::COUNT > 8 {
            exchange_rows::<8, V>(rows);
        }
        if V::COUNT > 4 {
            exchange_rows::<4, V>(rows);
        }
        exchange_rows::<2, V>(rows);
        exchange_rows::<1, V>(rows);
    }
}

#[inline(always)]
unsafe fn exchange_rows<const HALF: usize, V: Lanes>(rows: &mut [V]) {
    for rows in rows.chunks_exact_mut(2 * HALF) {
        let (low, high) = rows.split_at_mut(HALF);
        for (low, high) in low.iter_mut().zip(high) {
            (*low, *high) = unsafe { V::exchange::<HALF>(*low, *high) };
        }
    }
}
