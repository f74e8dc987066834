use super::*;

fn row(revision: u32, status: Status) -> RevisionRow {
    RevisionRow {
        namespace: "n".into(),
        release: "r".into(),
        revision,
        status,
        modified: None,
        created: None,
        writer: None,
        storage: crate::helm::record::storage_name("r", revision),
        resource_version: "1".into(),
    }
}

#[test]
fn a_rollback_without_a_revision_goes_back_one() {
    let rows = |all: &[(u32, Status)]| all.iter().map(|(n, s)| row(*n, *s)).collect::<Vec<_>>();
    let deployed = rows(&[(3, Status::Deployed), (2, Status::Superseded), (1, Status::Superseded)]);
    assert_eq!(previous(&deployed), Some(2));
    let skips_failed = rows(&[(3, Status::Deployed), (2, Status::Failed), (1, Status::Superseded)]);
    assert_eq!(previous(&skips_failed), Some(1));
    let stuck = rows(&[(3, Status::PendingUpgrade), (2, Status::Deployed), (1, Status::Superseded)]);
    assert_eq!(previous(&stuck), Some(2));
    assert_eq!(previous(&rows(&[(1, Status::Deployed)])), None);
    assert_eq!(previous(&[]), None);
}
