//! `.t3r` of the TimeHarp 200, versions 5.0 and 6.0. Its ticks are those of a clock of its own,
//! usually 100 ns; the dtime runs from the photon to the next sync pulse, so that it cannot be added.

use std::io::Read;

use helio_units::TickLength;

use super::fields::Fields;
use crate::meta::Dtime;
use crate::picoquant::record::Layout;
use crate::{Meta, TraceError, TraceFormat, tick_length_of};

pub(super) fn read(input: &mut impl Read) -> Result<(Meta, Layout), TraceError> {
    let mut fields = Fields::new(input);
    fields.text::<16>("Ident")?;
    let version = fields.text::<6>("FormatVersion")?;
    let sixth = match version.as_str() {
        "5.0" => false,
        "6.0" => true,
        _ => return Err(TraceError::UnsupportedVersion { offset: 16, version }),
    };
    match sixth {
        true => {
            fields.text::<18>("CreatorName")?;
            fields.text::<12>("CreatorVersion")?;
        }
        false => _ = fields.text::<6>("HardwareVersion")?,
    }
    fields.text::<18>("FileTime")?;
    fields.text::<2>("CRLF")?;
    fields.text::<256>("CommentField")?;
    fields.ints(&["NumberOfChannels", "NumberOfCurves", "BitsPerChannel", "RoutingChannels"])?;
    fields.ints(&["NumberOfBoards", "ActiveCurve", "MeasurementMode", "SubMode", "RangeNo"])?;
    fields.ints(&["Offset", "AcquisitionTime", "StopAt", "StopOnOvfl", "Restart", "DispLinLog"])?;
    fields.ints(&["DispTimeAxisFrom", "DispTimeAxisTo"])?;
    fields.ints(&["DispCountAxisFrom", "DispCountAxisTo"])?;
    fields.display()?;
    if sixth {
        fields.text::<16>("HardwareIdent")?;
        fields.text::<8>("HardwareVersion")?;
    }
    fields.ints(&["BoardSerial", "CFDZeroCross", "CFDDiscrMin", "SyncLevel", "CurveOffset"])?;
    let resolution_at = fields.offset;
    let resolution_ns = fields.single("Resolution", -1)?;
    let clock_at = fields.offset;
    let clock_ns = fields.int("TTTRGlobclock")?;
    fields.ints(&["ExtDevices", "Reserved1", "Reserved2", "Reserved3", "Reserved4"])?;
    fields.ints(&["Reserved5", "SyncRate", "AverageCFDRate", "StopAfter", "StopReason"])?;
    let claimed_at = fields.offset;
    let claimed = fields.int("nRecords")?;
    let special_at = fields.offset;
    let special = fields.int("SpecHeaderLength")?;
    fields.special(special_at, special)?;

    let tick = u64::try_from(clock_ns).ok().and_then(|ns| TickLength::new(1000 * ns, 1).ok());
    let tick =
        tick.ok_or_else(|| fields.unusable(clock_at, "a clock in ns of", clock_ns.into()))?;
    let unit = tick_length_of(resolution_ns * 1e-9)
        .ok_or_else(|| fields.unusable(resolution_at, "a resolution in ns of", resolution_ns))?;
    let meta = Meta {
        dtime: Some(Dtime { unit: Some(unit), adds: false }),
        claimed_records: Some(u64::from(claimed as u32)),
        claimed_records_at: Some(claimed_at),
        ..fields.meta(TraceFormat::TimeHarp200, version, tick)
    };
    Ok((meta, Layout::TimeHarp200))
}
