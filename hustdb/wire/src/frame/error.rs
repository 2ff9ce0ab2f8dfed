//! Why a frame is refused.

use crate::refusal::Refusal;

/// What is wrong with a frame, in one line. As a refusal: 400 `frame: ...`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes end before the frame does.
    #[error("cut off")]
    CutOff,
    /// It does not begin as a frame does.
    #[error("no frame")]
    Magic,
    /// Another version of the format.
    #[error("format version {0} is unknown")]
    Version(u16),
    /// Flags nobody knows.
    #[error("flags {0:#06x} are unknown")]
    Flags(u16),
    /// The checksum does not fit.
    #[error("wrong checksum")]
    Checksum,
    /// Values are missing where they are wanted.
    #[error("records without values")]
    WithoutValues,
    /// Values are there where none are wanted.
    #[error("records with values")]
    WithValues,
    /// No record.
    #[error("no records")]
    Empty,
    /// Not exactly one record where one was wanted.
    #[error("not exactly one record")]
    NotOne,
    /// The records do not fill the frame.
    #[error("record count and length disagree")]
    Count,
    /// A record with something illegal in it.
    #[error("record {index}: {what}")]
    Record {
        /// Its place in the frame, from 0.
        index: u32,
        /// What is wrong.
        what: &'static str,
    },
}

impl From<FrameError> for Refusal {
    fn from(error: FrameError) -> Refusal {
        Refusal::bad("frame", error.to_string())
    }
}
