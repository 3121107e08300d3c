//! `.ht2` and `.ht3` of the HydraHarp 400, versions 1.0 and 2.0.
//!
//! The number of the records is that of the file's layout only for four inputs; in general it moves
//! by 20 bytes with each. A tick of version 1.0 in T2 mode is half a picosecond: a recording of
//! 300 s has as many overflows as that makes, and twice as many as 1 ps would.

use std::io::Read;

use helio_units::TickLength;

use super::fields::Fields;
use crate::meta::Dtime;
use crate::picoquant::record::Layout;
use crate::{Meta, RecordType, TraceError, TraceFormat, tick_length_of};

const MAX_INPUTS: i32 = 64;

pub(super) fn read(input: &mut impl Read) -> Result<(Meta, Layout), TraceError> {
    let mut fields = Fields::new(input);
    fields.text::<16>("Ident")?;
    let version = fields.text::<6>("FormatVersion")?;
    fields.text::<18>("CreatorName")?;
    fields.text::<12>("CreatorVersion")?;
    fields.text::<18>("FileTime")?;
    fields.text::<2>("CRLF")?;
    fields.text::<256>("CommentField")?;
    fields.ints(&["NumberOfCurves", "BitsPerRecord", "ActiveCurve"])?;
    let mode_at = fields.offset;
    let mode = fields.int("MeasurementMode")?;
    fields.ints(&["SubMode", "Binning"])?;
    let resolution_at = fields.offset;
    let resolution_ps = fields.double("Resolution")?;
    fields.ints(&["Offset", "AcquisitionTime", "StopAt", "StopOnOvfl", "Restart", "DispLinLog"])?;
    fields.ints(&["DispTimeAxisFrom", "DispTimeAxisTo"])?;
    fields.ints(&["DispCountAxisFrom", "DispCountAxisTo"])?;
    fields.display()?;
    fields.text::<16>("HardwareIdent")?;
    fields.text::<8>("HardwarePartNo")?;
    fields.ints(&["HardwareSerial", "nModulesPresent"])?;
    for module in 0..10 {
        fields.int_of("ModelCode", module)?;
        fields.int_of("VersionCode", module)?;
    }
    fields.double("BaseResolution")?;
    fields.long("InputsEnabled")?;
    let inputs_at = fields.offset;
    let inputs = fields.int("InpChansPresent")?;
    if !(0..=MAX_INPUTS).contains(&inputs) {
        return Err(fields.unusable(inputs_at, "a number of inputs of", inputs.into()));
    }
    fields.ints(&["RefClockSource", "ExtDevices", "MarkerSettings", "SyncDivider"])?;
    fields.ints(&["SyncCFDLevel", "SyncCFDZeroCross", "SyncOffset"])?;
    for input in 0..inputs {
        fields.int_of("InpModuleIdx", input)?;
        fields.int_of("InpCFDLevel", input)?;
        fields.int_of("InpCFDZeroCross", input)?;
        fields.int_of("InpOffset", input)?;
    }
    for input in 0..inputs {
        fields.int_of("InpRate", input)?;
    }
    let rate_at = fields.offset;
    let rate = fields.int("SyncRate")?;
    fields.ints(&["StopAfter", "StopReason"])?;
    let special_at = fields.offset;
    let special = fields.int("ImgHdrSize")?;
    let claimed_at = fields.offset;
    let claimed = fields.long("nRecords")?;
    fields.special(special_at, special)?;

    let record_type = match (version.as_str(), mode) {
        ("1.0", 2) => RecordType::HydraHarpV1T2,
        ("1.0", 3) => RecordType::HydraHarpV1T3,
        ("2.0", 2) => RecordType::HydraHarpV2T2,
        ("2.0", 3) => RecordType::HydraHarpV2T3,
        ("1.0" | "2.0", _) => {
            return Err(fields.unusable(mode_at, "a measurement mode of", mode.into()));
        }
        _ => return Err(TraceError::UnsupportedVersion { offset: 16, version }),
    };
    let (tick, dtime) = match record_type.is_t2() {
        true => {
            let denominator = if version == "1.0" { 2 } else { 1 };
            (TickLength::new(1, denominator).ok(), None)
        }
        false => {
            let unit = tick_length_of(resolution_ps * 1e-12).ok_or_else(|| {
                fields.unusable(resolution_at, "a resolution in ps of", resolution_ps)
            })?;
            (Some(fields.period(rate_at, rate)?), Some(Dtime { unit: Some(unit), adds: true }))
        }
    };
    let tick =
        tick.ok_or(TraceError::UnsupportedVersion { offset: 16, version: version.clone() })?;
    let meta = Meta {
        record_type: Some(record_type),
        dtime,
        claimed_records: u64::try_from(claimed).ok(),
        claimed_records_at: Some(claimed_at),
        ..fields.meta(TraceFormat::HydraHarp, version, tick)
    };
    Ok((meta, Layout::Typed(record_type)))
}
