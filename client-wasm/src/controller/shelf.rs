//! What was prepared for the models that were used last.
//!
//! **Invariant:** at most [`PLACES`] models are kept, and the one that goes is the one that was not
//! used for the longest time.

/// Models whose keys are kept: going back to one is instant, and memory stays bounded.
pub const PLACES: usize = 3;

/// Prepared models by their ids.
#[derive(Debug)]
pub struct Shelf<T> {
    /// The one that was used last stands last.
    models: Vec<(String, T)>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { models: Vec::new() }
    }
}

impl<T> Shelf<T> {
    /// The model of this id, without counting it as used.
    pub fn get(&self, id: &str) -> Option<&T> {
        let found = self.models.iter().find(|(found, _)| found == id);
        found.map(|(_, model)| model)
    }

    /// The model of this id, to be changed, without counting it as used.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let found = self.models.iter_mut().find(|(found, _)| found == id);
        found.map(|(_, model)| model)
    }

    /// Counts a model as used now; false if it isn't there.
    pub fn touch(&mut self, id: &str) -> bool {
        let found = self.remove(id);
        let there = found.is_some();
        self.models
            .extend(found.map(|model| (id.to_owned(), model)));
        there
    }

    /// Keeps a model, and returns those that give way.
    pub fn put(&mut self, id: &str, model: T) -> Vec<T> {
        let mut gone: Vec<T> = self.remove(id).into_iter().collect();
        self.models.push((id.to_owned(), model));
        let surplus = self.models.len().saturating_sub(PLACES);
        gone.extend(self.models.drain(..surplus).map(|(_, model)| model));
        gone
    }

    /// Takes a model away.
    pub fn remove(&mut self, id: &str) -> Option<T> {
        let at = self.models.iter().position(|(found, _)| found == id)?;
        Some(self.models.remove(at).1)
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.models.iter_mut().map(|(_, model)| model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_unused_for_longest_gives_way() {
        let mut shelf = Shelf::default();
        for (id, number) in [("a", 1), ("b", 2), ("c", 3)] {
            assert!(shelf.put(id, number).is_empty());
        }
        assert!(shelf.touch("a"));
        assert_eq!(shelf.put("d", 4), [2]);
        assert!(!shelf.touch("b"));
        assert_eq!(shelf.put("c", 5), [3], "a newer one of the same id");
        assert_eq!(shelf.put("e", 6), [1]);
        assert_eq!([shelf.get("c"), shelf.get("a")], [Some(&5), None]);
        assert_eq!(shelf.remove("d"), Some(4));
        assert_eq!(shelf.remove("d"), None);
        *shelf.get_mut("e").unwrap() = 7;
        let left: Vec<i32> = shelf.iter_mut().map(|number| *number).collect();
        assert_eq!(left, [5, 7]);
    }
}
