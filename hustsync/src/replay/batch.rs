//! Records that are sent together, and how a refused lot is narrowed down. Pure.

use bytes::Bytes;

/// Most records of a batch.
pub const RECORDS_MAX: usize = 1000;
/// Most bytes of a batch of more than one record.
pub const BYTES_MAX: usize = 4 << 20;

/// Merge frames of one record each, one after another.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    body: Bytes,
    /// Where each frame ends.
    ends: Vec<usize>,
}

/// A batch that is being put together.
#[derive(Debug, Default)]
pub struct BatchWriter {
    body: Vec<u8>,
    ends: Vec<usize>,
}

impl BatchWriter {
    /// Whether a frame of this length belongs into this batch.
    pub fn has_room(&self, frame_bytes: usize) -> bool {
        self.ends.is_empty()
            || (self.ends.len() < RECORDS_MAX && self.body.len().saturating_add(frame_bytes) <= BYTES_MAX)
    }

    /// Adds a frame.
    pub fn push(&mut self, frame: &[u8]) {
        self.body.extend_from_slice(frame);
        self.ends.push(self.body.len());
    }

    /// The batch.
    pub fn finish(self) -> Batch {
        Batch { body: self.body.into(), ends: self.ends }
    }
}

impl Batch {
    /// How many records it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all frames.
    pub fn size_bytes(&self) -> usize {
        self.body.len()
    }

    /// One frame.
    pub fn frame(&self, index: usize) -> Bytes {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        match (start, self.ends.get(index)) {
            (Some(start), Some(end)) => self.body.slice(start..*end),
            _ => Bytes::new(),
        }
    }

    /// Some of the frames as one body.
    pub fn body(&self, of: &[usize]) -> Bytes {
        match of {
            [one] => self.frame(*one),
            all if all.len() == self.len() => self.body.clone(),
            some => some.iter().flat_map(|index| self.frame(*index)).collect(),
        }
    }
}

/// The two halves of a lot of more than one; `None` of one.
pub fn halves(lot: &[usize]) -> Option<(&[usize], &[usize])> {
    (lot.len() > 1).then(|| lot.split_at(lot.len() / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(frames: &[&[u8]]) -> Batch {
        let mut writer = BatchWriter::default();
        for frame in frames {
            writer.push(frame);
        }
        writer.finish()
    }

    #[test]
    fn a_batch_is_bounded_in_records_and_bytes() {
        let mut writer = BatchWriter::default();
        assert!(writer.has_room(usize::MAX), "one record always fits");
        writer.push(&vec![0; BYTES_MAX - 10]);
        assert!(writer.has_room(10) && !writer.has_room(11) && !writer.has_room(usize::MAX));
        let mut writer = BatchWriter::default();
        for _ in 0..RECORDS_MAX {
            assert!(writer.has_room(1));
            writer.push(b"x");
        }
        assert!(!writer.has_room(1));
        assert_eq!((writer.finish().len(), Batch::default().is_empty()), (RECORDS_MAX, true));
    }

    #[test]
    fn frames_can_be_picked() {
        let batch = batch(&[b"a", b"", b"ccc", b"dd"]);
        let table: [(&[usize], &[u8]); 5] =
            [(&[0, 1, 2, 3], b"acccdd"), (&[0, 3], b"add"), (&[2], b"ccc"), (&[1], b""), (&[7], b"")];
        for (of, expected) in table {
            assert_eq!(batch.body(of), expected, "{of:?}");
        }
    }

    #[test]
    fn halving_ends_at_each_record_alone() {
        let mut lots = vec![(0..1000).collect::<Vec<usize>>()];
        let (mut alone, mut steps) = (Vec::new(), 0);
        while let Some(lot) = lots.pop() {
            steps += 1;
            match halves(&lot) {
                Some((first, second)) => lots.extend([second.to_vec(), first.to_vec()]),
                None => alone.extend(lot),
            }
        }
        assert_eq!((alone, steps), ((0..1000).collect(), 1999));
        assert_eq!(halves(&[]), None);
    }
}
