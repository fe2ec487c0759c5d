//! Heads in a file that is only appended to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::head::{AuditHead, HeadKeeper};

/// How often a chain that grows is written down.
const PACE: Duration = Duration::from_secs(1);

/// Keeps heads in a file, a line each; several processes may share it.
///
/// The beginning and the end of a chain are written at once, what happens in between at most once a second, and with it
/// the last state. The file and its folder are made, readable by their owner alone, when the first chain begins.
#[derive(Debug, Clone)]
pub struct HeadFile(Arc<Inner>);

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptHeads {
    /// The heads, in the order in which they were written.
    pub heads: Vec<AuditHead>,
    /// Lines that cannot be read: a disk that was full or a machine that stopped may leave one that is not whole.
    pub unreadable: usize,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is not written yet.
    pending: Option<AuditHead>,
    /// Whether somebody is going to write it.
    writer: bool,
}

impl HeadFile {
    /// Keeps heads in the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Inner { path: path.into(), state: Mutex::default() }))
    }

    /// Tries whether the file can be written, and leaves nothing behind that was not there.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn check(&self) -> io::Result<()> {
        let path = &self.0.path;
        let folders: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| !folder.exists()).collect();
        let new = !path.exists();
        let opened = self.0.open().map(drop);
        // Only what this made: a folder that somebody has put something into stays, because it is not empty.
        if new && opened.is_ok() {
            std::fs::remove_file(path)?;
        }
        for folder in folders.into_iter().filter(|folder| !folder.as_os_str().is_empty()) {
            let _ = std::fs::remove_dir(folder);
        }
        opened
    }

    /// Reads what a file holds.
    ///
    /// # Errors
    ///
    /// The system's, also if there is no file.
    pub fn read(path: &Path) -> io::Result<KeptHeads> {
        let bytes = std::fs::read(path)?;
        let mut kept = KeptHeads::default();
        for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.is_empty()) {
            match line.parse() {
                Ok(head) => kept.heads.push(head),
                Err(_) => kept.unreadable += 1,
            }
        }
        Ok(kept)
    }
}

impl HeadKeeper for HeadFile {
    fn begins(&self, head: AuditHead) -> io::Result<()> {
        self.0.write(head, true)
    }

    fn moved(&self, head: AuditHead) {
        let mut state = self.0.state();
        state.pending = Some(head);
        if std::mem::replace(&mut state.writer, true) {
            return;
        }
        let kept = self.0.clone();
        tokio::spawn(async move {
            while kept.write_pending().await {
                tokio::time::sleep(PACE).await;
            }
        });
    }

    fn ended(&self, head: AuditHead) {
        self.0.state().pending = None;
        if let Err(error) = self.0.write(AuditHead { ended: true, ..head }, true) {
            tracing::error!(%error, path = %self.0.path.display(), "the end of the audit trail cannot be kept");
        }
    }
}

impl Inner {
    /// Writes what is pending, and says whether to come again.
    async fn write_pending(self: &Arc<Self>) -> bool {
        let Some(head) = self.next() else { return false };
        let kept = self.clone();
        let written = tokio::task::spawn_blocking(move || kept.write(head, false)).await;
        if let Err(error) = written.map_err(io::Error::other).and_then(|written| written) {
            tracing::error!(%error, path = %self.path.display(), "the state of the audit trail cannot be kept");
            // What came in the meantime is newer.
            self.state().pending.get_or_insert(head);
        }
        true
    }

    /// What is to be written; if there is nothing, nobody is going to write any more.
    fn next(&self) -> Option<AuditHead> {
        let mut state = self.state();
        let next = state.pending.take();
        state.writer = next.is_some();
        next
    }

    /// One write, so that the lines of several processes do not mix.
    fn write(&self, head: AuditHead, lasting: bool) -> io::Result<()> {
        let mut file = self.open()?;
        let line = if whole(&mut file)? { format!("{head}\n") } else { format!("\n{head}\n") };
        file.write_all(line.as_bytes())?;
        if lasting { file.sync_data() } else { Ok(()) }
    }

    fn open(&self) -> io::Result<File> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the last line has its end.
fn whole(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditHash, WriterId};

    fn head(writer: WriterId, seq: u64) -> AuditHead {
        AuditHead { writer, seq, hash: AuditHash([7; 32]), ended: false }
    }

    #[tokio::test]
    async fn what_is_kept_reads_back_and_a_torn_line_spoils_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/heads");
        let (file, writer) = (HeadFile::new(&path), WriterId::new());
        assert!(!path.exists(), "made before it is needed");
        file.begins(head(writer, 0)).unwrap();
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"0190-torn 4").unwrap();
        file.ended(head(writer, 9));
        let kept = HeadFile::read(&path).unwrap();
        assert_eq!(kept.heads, [head(writer, 0), AuditHead { ended: true, ..head(writer, 9) }]);
        assert_eq!(kept.unreadable, 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn the_last_of_many_moves_is_kept_and_not_each_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heads");
        let (file, writer) = (HeadFile::new(&path), WriterId::new());
        for seq in 1..=500 {
            file.moved(head(writer, seq));
            tokio::task::yield_now().await;
        }
        while !HeadFile::read(&path).is_ok_and(|kept| kept.heads.last() == Some(&head(writer, 500))) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(HeadFile::read(&path).unwrap().heads.len() <= 5);
    }

    #[test]
    fn a_head_is_read_as_it_is_written_and_nothing_else_is() {
        let known = AuditHead { ended: true, ..head(WriterId::new(), 3) };
        assert_eq!(known.to_string().parse(), Ok(known));
        let text = head(known.writer, 3).to_string();
        for wrong in
            ["", "a 1 b", &text[..text.len() - 1], &format!("{text}0"), &format!("{text} x"), &format!("{text} end x")]
        {
            assert!(wrong.parse::<AuditHead>().is_err(), "{wrong}");
        }
    }
}
