//! Reserves a stack's folder for one process at a time. The folder holds certificate, description and temporary files.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};

use anyhow::{Context as _, bail};

use crate::workspace::local_directory;

/// The file in a stack's folder that the owning process keeps locked.
const LOCK: &str = "stack.lock";

/// The right to start the stack of a name. The operating system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Reservation {
    name: String,
    _lock: File,
}

impl Reservation {
    /// Reserves the stack of that name in this checkout.
    ///
    /// # Errors
    /// When another process has the reservation (the message names it), or the folder cannot be written.
    pub fn of(name: &str) -> anyhow::Result<Self> {
        let directory = local_directory(name);
        fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
        let path = directory.join(LOCK);
        let at = || path.display().to_string();
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut lock = file.with_context(at)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(error).with_context(at),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                lock.read_to_string(&mut holder).with_context(at)?;
                bail!(
                    "process {} already runs the stack named {name} of this checkout: use it, or end the process",
                    holder.trim()
                )
            }
        }
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).with_context(at)?;
        Ok(Self { name: name.to_owned(), _lock: lock })
    }

    /// The stack's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_reserved_once_until_the_reservation_is_dropped() {
        let name = format!("reserved-{}", std::process::id());
        let first = Reservation::of(&name).unwrap();
        let refused = Reservation::of(&name).unwrap_err().to_string();
        let holder = format!("process {} already runs the stack named {name}", std::process::id());
        assert!(refused.contains(&holder), "{refused}");
        drop(first);
        assert_eq!(Reservation::of(&name).unwrap().name(), name);
        fs::remove_dir_all(local_directory(&name)).unwrap();
    }
}
