//! Transfers over SPI as a mock expects them: chip select around each.

use embedded_hal_mock::eh1::spi::Transaction;

/// A write of one transfer.
pub fn sent(bytes: &[u8]) -> Vec<Transaction<u8>> {
    vec![
        Transaction::transaction_start(),
        Transaction::write_vec(bytes.to_vec()),
        Transaction::transaction_end(),
    ]
}

/// A transfer both ways.
#[allow(dead_code, reason = "not every chip answers")]
pub fn exchanged(out: &[u8], back: &[u8]) -> Vec<Transaction<u8>> {
    vec![
        Transaction::transaction_start(),
        Transaction::transfer_in_place(out.to_vec(), back.to_vec()),
        Transaction::transaction_end(),
    ]
}
