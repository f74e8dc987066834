//! What somebody in a higher layer makes of a value: made once, and gone with the value.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A place for one derived thing. Says nothing about the value that it hangs on: any two are equal.
#[derive(Clone, Default)]
pub struct Derived(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Derived {
    /// What is there, else what `make` gives. Who asks for another type than the first one makes it anew each time.
    pub fn get_or_make<T: Send + Sync + 'static>(&self, make: impl Fn() -> T) -> Arc<T> {
        let known = self.0.get_or_init(|| Arc::new(make())).clone();
        known.downcast().unwrap_or_else(|_| Arc::new(make()))
    }
}

impl PartialEq for Derived {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Derived {}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Derived")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_kept_and_another_type_is_made_anew() {
        let derived = Derived::default();
        let first = derived.get_or_make(|| "one".to_owned());
        assert!(Arc::ptr_eq(&first, &derived.get_or_make(|| "two".to_owned())));
        assert_eq!(*derived.get_or_make(|| 3), 3);
    }
}
