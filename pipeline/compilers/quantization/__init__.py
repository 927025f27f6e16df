"""What all int8 files share: calibration windows, and rounding chosen for the inputs a layer will see."""
