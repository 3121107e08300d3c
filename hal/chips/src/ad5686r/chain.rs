//! Several AD5686R behind one chip select, SDO of each to SDIN of the next.

use embedded_hal::spi::SpiDevice;

use super::{Channels, Command, Error, Frame, LevelRange, Millivolts};

/// A chain of `N` chips, the first the one that the board's data line goes to (Rev. B, "Daisy-Chain
/// Operation"). One transfer is 24 bits a chip; all of them act when the chip select rises.
///
/// A register cannot be read back in a chain: check each chip with [`super::Ad5686r`] before it is
/// chained, or look at its outputs.
#[derive(Debug)]
pub struct Chain<SPI, const N: usize> {
    spi: SPI,
    ranges: [LevelRange; N],
}

/// The frames of a transfer in the order in which they go out: what goes out first comes to the
/// last chip.
pub fn chained<const N: usize>(commands: [Command; N]) -> [Frame; N] {
    let mut frames = commands.map(Command::frame);
    frames.reverse();
    frames
}

impl<SPI: SpiDevice, const N: usize> Chain<SPI, N> {
    /// Links the chips: a chip passes nothing on until it was told to, so the first is told, then
    /// the first two, and so on. Outputs stay as the reset left them.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn new(mut spi: SPI, ranges: [LevelRange; N]) -> Result<Chain<SPI, N>, Error<SPI::Error>> {
        let link = chained([Command::DaisyChain(true); N]);
        for chips in 1..=N {
            spi.write(link[..chips].as_flattened()).map_err(Error::Bus)?;
        }
        Ok(Chain { spi, ranges })
    }

    /// Sends each chip a command, the first chip's first.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn send(&mut self, commands: [Command; N]) -> Result<(), Error<SPI::Error>> {
        self.spi.write(chained(commands).as_flattened()).map_err(Error::Bus)
    }

    /// Sets outputs of one chip, counted from zero, to a level; the others do nothing.
    ///
    /// # Errors
    /// [`Error::NoChip`] and [`Error::Level`] before anything is sent, or [`Error::Bus`].
    pub fn set(
        &mut self,
        chip: usize,
        outputs: Channels,
        level: Millivolts,
    ) -> Result<(), Error<SPI::Error>> {
        let range = self.ranges.get(chip).ok_or(Error::NoChip(chip))?;
        let code = range.code(level).map_err(Error::Level)?;
        let mut commands = [Command::NoOperation; N];
        commands[chip] = Command::WriteAndUpdate(outputs, code);
        self.send(commands)
    }

    /// Gives the bus back.
    pub fn release(self) -> SPI {
        self.spi
    }
}
