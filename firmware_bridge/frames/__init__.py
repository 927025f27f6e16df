"""The binary protocol: framing, fields, messages, HELLO, sequence numbers, the device clock. No I/O."""
