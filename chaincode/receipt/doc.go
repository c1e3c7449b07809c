// Package receipt is electronic warehouse receipts that a bank can lend on: who holds them and what they stand for, which
// devices watch the goods, what their readings prove, what the goods are worth today, and when a bank may call for more.
//
// The receipt follows the UNCITRAL/UNIDROIT Model Law on Warehouse Receipts (2024): an electronic receipt is issued by the
// warehouse operator against goods that it has received, is subject to the exclusive control of one person at any time, may
// be transferred, split, replaced by one receipt for several, pledged to a secured creditor and, against delivery of the
// goods to the person in control, ended. The tables in lifecycle.go are those steps as data.
//
// Everything here is exact: quantities, readings and prices are integers with a decimal scale, instants are UTC to the
// millisecond, and nothing asks a clock or a store.
package receipt
