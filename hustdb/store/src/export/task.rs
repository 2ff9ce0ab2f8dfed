//! Taking one snapshot.

use hust_engine::Snapshot;

use super::{format::Footer, name::Subject, tasks::Task, writer::Writer};
use crate::{
    address::{TableId, md5},
    error::{Error, Result},
    kind::Kind,
    listing::{ListedRow, Page, PageLimits, Reader, Target, Walk},
    store::Shared,
};

/// Takes the snapshot of a task; afterwards its file is there, durable, or nothing is. Answers its length.
pub(super) fn run(shared: &Shared, task: &Task) -> Result<u64> {
    shared.capacity.check_free(shared.engine.free_bytes()?)?;
    let taken_ms = shared.clock.now_ms();
    let snapshot = shared.engine.snapshot();
    let (target, kind) = target(shared, task, &snapshot)?;
    let exports = &shared.exports;
    let mut writer = Writer::create(exports.vfs.clone(), &exports.dir, task.token)?;
    let written = write(shared, task, &mut writer, &snapshot, &target, taken_ms).and_then(|()| {
        // What it held back may go while the disk is busy with the file.
        drop(snapshot);
        let Task { token, name, offset, size } = task.clone();
        let footer = Footer { token, name, kind, taken_ms, offset, size, rows: 0, index_at: 0, blocks: 0 };
        let bytes = writer.finish(footer)?;
        writer.publish(&task.name.file_name(task.token))?;
        Ok(bytes)
    });
    if written.is_err() {
        writer.abandon();
    }
    written
}

fn write(
    shared: &Shared,
    task: &Task,
    writer: &mut Writer,
    snapshot: &Snapshot,
    target: &Target,
    taken_ms: u64,
) -> Result<()> {
    let mut push = |row: &ListedRow<'_>| {
        if writer.push(row)? {
            shared.capacity.check_free(shared.engine.free_bytes()?)?;
        }
        Ok(())
    };
    let all = |count: u64| if count == 0 { usize::MAX } else { usize::try_from(count).unwrap_or(usize::MAX) };
    let skip = usize::try_from(task.offset).unwrap_or(usize::MAX);
    let limits = PageLimits { skip, size: all(task.size), body_bytes: usize::MAX };
    let mut page = Page::new(taken_ms, task.name.values, limits, &mut push).until(&shared.exports.stopping);
    let walk =
        Walk { reader: Reader::Then(snapshot), files: shared.file_count, slots: task.name.slots.clone() };
    walk.run(target, None, &mut page)
}

/// What the task means at its instant.
fn target(shared: &Shared, task: &Task, snapshot: &Snapshot) -> Result<(Target, Option<Kind>)> {
    let name = match &task.name.subject {
        Subject::File(file) => return Ok((Target::File(*file), None)),
        Subject::Table(name) => name,
    };
    let md5 = md5(name);
    let table = Reader::Then(snapshot).table_of_name(&md5, shared.file_count)?;
    let shown =
        table.filter(|table| table.name == *name).map(|table| (table.row.figures.shown(), table.row.number));
    match shown {
        Some((Some(kind), number)) => {
            let id = TableId { number, md5 };
            Ok((Target::of_table(kind, id, (i64::MIN, i64::MAX)), Some(kind)))
        }
        _ => Err(Error::Table("no such table")),
    }
}
