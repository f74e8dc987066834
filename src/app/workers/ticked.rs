//! Contexts that were ticked once to be asked for their releases: a small file in the state folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::base::folders::Folders;
use crate::base::{Error, Result, atomic};

fn file(state: &Path) -> PathBuf {
    state.join("ticked-contexts.json")
}

/// What was ticked; nothing when there is no file.
///
/// # Errors
/// The file is there and cannot be understood.
pub(in crate::app) fn read(state: &Path) -> Result<BTreeSet<String>> {
    let path = file(state);
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(BTreeSet::new()) };
    serde_json::from_str(&text).map_err(|error| {
        Error::new("the contexts that were ticked cannot be read, so none of them is asked")
            .at(path.display().to_string())
            .because(error)
            .next("tick them again in Releases (t)")
    })
}

pub(super) fn write(state: &Path, contexts: &BTreeSet<String>) -> Result<()> {
    Folders::ensure(state)?;
    let text = serde_json::to_string(contexts)
        .map_err(|error| Error::new("the ticked contexts were not kept").because(error))?;
    atomic::write_private(&file(state), text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ticked_comes_back_and_a_broken_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_empty());
        let contexts = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        write(folder.path(), &contexts).unwrap();
        assert_eq!(read(folder.path()).unwrap(), contexts);
        std::fs::write(file(folder.path()), "{").unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("ticked-contexts.json"));
    }
}
