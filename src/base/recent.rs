//! What was needed lately, up to a weight. It is forgotten by halves, so that a full memory costs some results and never
//! all of them at once.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Values by key, each with a weight, of `LIMIT` altogether at most. Cheap values only: they are cloned.
#[derive(Debug)]
pub struct Recent<K, V, const LIMIT: usize> {
    /// What came or was asked for since the last half was forgotten.
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    /// Of the young ones.
    weight: usize,
}

impl<K, V, const LIMIT: usize> Default for Recent<K, V, LIMIT> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), weight: 0 }
    }
}

impl<K: Eq + Hash, V: Clone, const LIMIT: usize> Recent<K, V, LIMIT> {
    /// What is known; it stays longer for having been asked for.
    pub fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = self.old.remove_entry(key)?;
        self.insert(key, value.clone(), weight);
        Some(value)
    }

    /// Keeps a value, unless it alone is too heavy.
    pub fn insert(&mut self, key: K, value: V, weight: usize) {
        let half = LIMIT / 2;
        if weight > half {
            return;
        }
        if self.weight + weight > half {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += weight;
        self.young.insert(key, (value, weight));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_weight_has_a_bound() {
        let mut recent: Recent<String, usize, 20> = Recent::default();
        recent.insert("kept".to_owned(), 0, 2);
        for number in 1..1_000 {
            recent.insert(format!("n{number}"), number, 3);
            assert_eq!(recent.get("kept"), Some(0));
            assert_eq!(recent.get(&*format!("n{number}")), Some(number));
            let weight: usize =
                recent.young.values().chain(recent.old.values()).map(|(_, weight)| weight).sum();
            assert!(weight <= 20, "{weight}");
        }
        assert_eq!(recent.get("n1"), None);
        recent.insert("heavy".to_owned(), 1, 11);
        assert_eq!((recent.get("heavy"), recent.get("kept")), (None, Some(0)));
    }
}
