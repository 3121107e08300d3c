//! PicoQuant's unified time-tag file (PTU), time-tagged T2 and T3 modes.
//!
//! `PQTTTR\0\0`, eight bytes of version, then tags of 48 bytes — name, index, type, value — some
//! followed by as many bytes as the value says; `Header_End` ends the header and 32-bit
//! little-endian records follow at once. Source: PicoQuant, "Unified TTTR File Format" (PTU), and
//! the records in the manuals of the instruments; checked against a HydraHarp 400 recording and
//! against the independent reader `ptufile`.

mod header;
mod tag;
mod writer;

pub(in crate::picoquant) use header::MAX_HEADER_BYTES;
pub(crate) use header::read;
pub(in crate::picoquant) use tag::text_of;
pub(crate) use writer::{PtuWriter, date_time, guid};

/// The header tags that this crate reads or writes by name.
mod ident {
    pub const RECORD_TYPE: &str = "TTResultFormat_TTTRRecType";
    pub const BITS_PER_RECORD: &str = "TTResultFormat_BitsPerRecord";
    pub const GLOBAL_RESOLUTION: &str = "MeasDesc_GlobalResolution";
    pub const RESOLUTION: &str = "MeasDesc_Resolution";
    pub const ACQUISITION_TIME: &str = "MeasDesc_AcquisitionTime";
    pub const RECORDS: &str = "TTResult_NumberOfRecords";
    pub const STOP_AFTER: &str = "TTResult_StopAfter";
    pub const SYNC_RATE: &str = "TTResult_SyncRate";
    pub const MODE: &str = "Measurement_Mode";
    pub const SUB_MODE: &str = "Measurement_SubMode";
    pub const HARDWARE: &str = "HW_Type";
    pub const HEADER_END: &str = "Header_End";
}
