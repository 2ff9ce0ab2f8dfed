//! A disk that loses power at each operation of replacing a table: its name leads to a whole one, and to the new one
//! once that was promised.

use std::{cell::RefCell, collections::HashMap};

use super::*;

const PATH: &str = "/etc/hust/table.json";

#[derive(Clone, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
}

/// Names lead to the numbers of files.
#[derive(Default)]
struct State {
    files: Vec<Content>,
    live: HashMap<PathBuf, usize>,
    durable: HashMap<PathBuf, usize>,
    /// Operations until the power goes; that one is not done.
    left: usize,
    operations: usize,
}

#[derive(Default)]
struct SimDisk(RefCell<State>);

impl SimDisk {
    fn operate<T>(&self, operation: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let state = &mut *self.0.borrow_mut();
        state.operations += 1;
        state.left = state.left.checked_sub(1).ok_or(ErrorKind::Other)?;
        operation(state)
    }

    /// What the table file may hold when the power is back: with the names that were synced, and with all names there
    /// were. Either way only bytes that were synced are there.
    fn after_loss(&self) -> [Option<String>; 2] {
        let state = self.0.borrow();
        [&state.durable, &state.live].map(|names| {
            let file = names.get(Path::new(PATH))?;
            Some(String::from_utf8(state.files[*file].durable.clone()).unwrap())
        })
    }
}

impl Disk for SimDisk {
    type File = usize;

    fn create(&self, path: &Path) -> io::Result<usize> {
        self.operate(|state| {
            assert!(!state.live.contains_key(path), "{path:?} is in the way");
            state.files.push(Content::default());
            let number = state.files.len() - 1;
            state.live.insert(path.into(), number);
            Ok(number)
        })
    }

    fn write(&self, file: &mut usize, content: &[u8]) -> io::Result<()> {
        self.operate(|state| {
            state.files[*file].live.extend(content);
            Ok(())
        })
    }

    fn sync(&self, file: &usize) -> io::Result<()> {
        self.operate(|state| {
            let content = &mut state.files[*file];
            content.durable.clone_from(&content.live);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.operate(|state| Ok(state.live.remove(path).map(drop).ok_or(ErrorKind::NotFound)?))
    }

    fn link(&self, path: &Path, second: &Path) -> io::Result<()> {
        self.operate(|state| {
            let number = *state.live.get(path).ok_or(ErrorKind::NotFound)?;
            assert!(state.live.insert(second.into(), number).is_none(), "{second:?} is there");
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operate(|state| {
            let number = state.live.remove(from).ok_or(ErrorKind::NotFound)?;
            state.live.insert(to.into(), number);
            Ok(())
        })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        assert_eq!(folder, Path::new(PATH).parent().unwrap());
        self.operate(|state| {
            state.durable.clone_from(&state.live);
            Ok(())
        })
    }
}

/// Replaces tables until the power goes: how many times that was promised, what is there, and what it took.
fn run(left: usize) -> (usize, [Option<String>; 2], usize) {
    let disk = SimDisk::default();
    disk.0.borrow_mut().left = left;
    let contents = ["one", "two", "three"];
    let promised =
        contents.iter().take_while(|content| replace_on(&disk, Path::new(PATH), content.as_bytes()).is_ok());
    let promised = promised.count();
    let operations = disk.0.borrow().operations;
    (promised, disk.after_loss(), operations)
}

#[test]
fn a_table_is_whole_and_as_promised_whenever_the_power_goes() {
    let (promised, there, operations) = run(usize::MAX);
    assert_eq!((promised, there), (3, [(); 2].map(|()| Some("three".to_owned()))));
    for left in 0..operations {
        let (promised, outcomes, _) = run(left);
        let legal = [[None, Some("one")], [Some("one"), Some("two")], [Some("two"), Some("three")]][promised];
        for there in outcomes {
            assert!(
                legal.contains(&there.as_deref()),
                "after {left} operations: {promised} promised, {there:?}"
            );
        }
    }
}
