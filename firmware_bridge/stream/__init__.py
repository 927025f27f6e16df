"""What every source of samples hands on, whatever the wire: blocks, rate, gaps, clocks, windows. No I/O."""
