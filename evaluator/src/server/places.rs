//! Places for what is being received: a bounded number, shared fairly.
//!
//! Knows numbers and who holds them; doesn't know what they are for.
//!
//! **Invariant:** no more places are taken than there are, and one address takes at most half of them,
//! unless it asks for more at once while it holds none.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::address::ClientAddress;

/// Places of one kind.
pub struct Places {
    count: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_owner: HashMap<ClientAddress, usize>,
}

/// Places that are given back when this is dropped.
pub struct Place<'a> {
    places: &'a Places,
    owner: ClientAddress,
    count: usize,
}

impl Places {
    /// So many free places.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self {
            count,
            taken: Mutex::default(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Takes places for `owner`; nothing if too few are free, or it has its share.
    pub fn take(&self, owner: ClientAddress, count: usize) -> Option<Place<'_>> {
        let mut taken = self.lock();
        let own = taken.by_owner.get(&owner).copied().unwrap_or(0);
        let is_within_share = own == 0 || own + count <= self.count.div_ceil(2);
        if !is_within_share || taken.all.saturating_add(count) > self.count {
            return None;
        }
        taken.all += count;
        *taken.by_owner.entry(owner).or_default() += count;
        Some(Place {
            places: self,
            owner,
            count,
        })
    }

    /// No code that runs under the lock panics.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= self.count;
        if let Some(own) = taken.by_owner.get_mut(&self.owner) {
            *own -= self.count;
            if *own == 0 {
                taken.by_owner.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn address(last: u8) -> ClientAddress {
        IpAddr::from([192, 0, 2, last]).into()
    }

    #[test]
    fn one_address_leaves_half_of_the_places_to_others() {
        let places = Places::new(4);
        let held: Vec<_> = (0..2).map(|_| places.take(address(1), 1)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(places.take(address(1), 1).is_none());
        let others: Vec<_> = (2..4).map(|last| places.take(address(last), 1)).collect();
        assert!(others.iter().all(Option::is_some));
        assert!(places.take(address(9), 1).is_none(), "all are taken");
        drop(held);
        assert!(places.take(address(1), 2).is_some());
    }

    #[test]
    fn a_large_batch_is_taken_while_there_is_nothing_else_to_do() {
        let places = Places::new(4);
        assert!(places.take(address(1), 5).is_none());
        let all = places.take(address(1), 4);
        assert!(all.is_some());
        assert!(places.take(address(2), 1).is_none());
        drop(all);
        assert!(places.lock().by_owner.is_empty(), "who left is forgotten");
    }
}
