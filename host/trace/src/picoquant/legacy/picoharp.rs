//! `.pt2` and `.pt3` of the PicoHarp 300, version 2.0. A tick in T2 mode is 4 ps.

use std::io::Read;

use helio_units::TickLength;

use super::fields::Fields;
use crate::meta::Dtime;
use crate::picoquant::record::Layout;
use crate::{Meta, RecordType, TraceError, TraceFormat, tick_length_of};

/// Always described, also where there is no router.
const ROUTER_CHANNELS: i32 = 4;

pub(super) fn read(input: &mut impl Read) -> Result<(Meta, Layout), TraceError> {
    let mut fields = Fields::new(input);
    fields.text::<16>("Ident")?;
    let version = fields.text::<6>("FormatVersion")?;
    if version != "2.0" {
        return Err(TraceError::UnsupportedVersion { offset: 16, version });
    }
    fields.text::<18>("CreatorName")?;
    fields.text::<12>("CreatorVersion")?;
    fields.text::<18>("FileTime")?;
    fields.text::<2>("CRLF")?;
    fields.text::<256>("CommentField")?;
    fields.ints(&["NumberOfCurves", "BitsPerRecord", "RoutingChannels"])?;
    fields.ints(&["NumberOfBoards", "ActiveCurve"])?;
    let mode_at = fields.offset;
    let mode = fields.int("MeasurementMode")?;
    fields.ints(&["SubMode", "RangeNo", "Offset", "AcquisitionTime", "StopAt", "StopOnOvfl"])?;
    fields.ints(&["Restart", "DispLinLog", "DispTimeAxisFrom", "DispTimeAxisTo"])?;
    fields.ints(&["DispCountAxisFrom", "DispCountAxisTo"])?;
    fields.display()?;
    fields.text::<16>("HardwareIdent")?;
    fields.text::<8>("HardwareVersion")?;
    fields.ints(&["HardwareSerial", "SyncDivider", "CFDZeroCross0", "CFDLevel0"])?;
    fields.ints(&["CFDZeroCross1", "CFDLevel1"])?;
    let resolution_at = fields.offset;
    let resolution_ns = fields.single("Resolution", -1)?;
    fields.ints(&["RouterModelCode", "RouterEnabled"])?;
    for channel in 0..ROUTER_CHANNELS {
        for name in ["InputType", "InputLevel", "InputEdge", "CFDPresent", "CFDLevel"] {
            fields.int_of(&format!("RtChan{name}"), channel)?;
        }
        fields.int_of("RtChanCFDZeroCross", channel)?;
    }
    fields.ints(&["ExtDevices", "Reserved1", "Reserved2"])?;
    let rate_at = fields.offset;
    let rate = fields.int("InpRate0")?;
    fields.ints(&["InpRate1", "StopAfter", "StopReason"])?;
    let claimed_at = fields.offset;
    let claimed = fields.int("nRecords")?;
    let special_at = fields.offset;
    let special = fields.int("ImgHdrSize")?;
    fields.special(special_at, special)?;

    let (record_type, tick, dtime) = match mode {
        2 => (RecordType::PicoHarp300T2, TickLength::new(4, 1).ok(), None),
        3 => {
            let unit = tick_length_of(resolution_ns * 1e-9).ok_or_else(|| {
                fields.unusable(resolution_at, "a resolution in ns of", resolution_ns)
            })?;
            let period = fields.period(rate_at, rate)?;
            (RecordType::PicoHarp300T3, Some(period), Some(Dtime { unit: Some(unit), adds: true }))
        }
        _ => (RecordType::PicoHarp300T2, None, None),
    };
    let tick =
        tick.ok_or_else(|| fields.unusable(mode_at, "a measurement mode of", mode.into()))?;
    let meta = Meta {
        record_type: Some(record_type),
        dtime,
        // Stored as an int; a long recording makes it negative.
        claimed_records: Some(u64::from(claimed as u32)),
        claimed_records_at: Some(claimed_at),
        ..fields.meta(TraceFormat::PicoHarp300, version, tick)
    };
    Ok((meta, Layout::Typed(record_type)))
}
