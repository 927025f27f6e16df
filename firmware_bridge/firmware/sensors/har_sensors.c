/* The sensors, each from its data sheet. All are set to +-8 g (the ADXL345 to its full resolution at +-16 g), to about
 * 100 samples a second, and to a bandwidth of about half of that, so that nothing folds back into what a model sees. */
#include "har_sensor.h"

#define END {0xFF, 0, 0}

/* InvenSense MPU-6000/6050 Register Map and Descriptions, RM-MPU-6000A-00, revision 4.2. */
const har_sensor har_mpu6050 = {
    "MPU-6050",
    {0x68, 0x69},
    0x75, /* WHO_AM_I */
    0x68,
    {
        {0x6B, 0x80, 100}, /* PWR_MGMT_1: DEVICE_RESET */
        {0x6B, 0x01, 10},  /* PWR_MGMT_1: awake, clock from the X gyroscope's PLL */
        {0x1A, 0x03, 0},   /* CONFIG: DLPF_CFG 3, accelerometer bandwidth 44 Hz, 1 kHz inside */
        {0x19, 0x09, 0},   /* SMPLRT_DIV: 1 kHz / (1 + 9) */
        {0x1C, 0x10, 0},   /* ACCEL_CONFIG: AFS_SEL 2, +-8 g, 4096 LSB/g */
        {0x38, 0x01, 0},   /* INT_ENABLE: DATA_RDY_EN */
    },
    0x3A, /* INT_STATUS */
    0x01, /* DATA_RDY_INT */
    0x3B, /* ACCEL_XOUT_H: six bytes, high ones first */
    1,
    10000,
    4096.0f,
};

/* ST LSM6DS3 data sheet, DocID026899, revision 10. */
const har_sensor har_lsm6ds3 = {
    "LSM6DS3",
    {0x6A, 0x6B},
    0x0F, /* WHO_AM_I */
    0x69,
    {
        {0x12, 0x01, 10}, /* CTRL3_C: SW_RESET */
        {0x12, 0x44, 0},  /* CTRL3_C: BDU, IF_INC */
        {0x10, 0x4F, 0},  /* CTRL1_XL: 104 Hz, +-8 g, anti-aliasing at 50 Hz */
        END,
    },
    0x1E, /* STATUS_REG */
    0x01, /* XLDA */
    0x28, /* OUTX_L_XL: six bytes, low ones first */
    0,
    10400,
    4098.36f, /* 0.244 mg/LSB */
};

/* ST LSM6DSOX data sheet, DS12814, revision 4. */
const har_sensor har_lsm6dsox = {
    "LSM6DSOX",
    {0x6A, 0x6B},
    0x0F, /* WHO_AM_I */
    0x6C,
    {
        {0x12, 0x01, 10}, /* CTRL3_C: SW_RESET */
        {0x12, 0x44, 0},  /* CTRL3_C: BDU, IF_INC */
        {0x10, 0x4C, 0},  /* CTRL1_XL: 104 Hz, +-8 g, first filter stage: bandwidth 52 Hz */
        END,
    },
    0x1E, /* STATUS_REG */
    0x01, /* XLDA */
    0x28, /* OUTX_L_A: six bytes, low ones first */
    0,
    10400,
    4098.36f, /* 0.244 mg/LSB */
};

/* Analog Devices ADXL345 data sheet, revision G. */
const har_sensor har_adxl345 = {
    "ADXL345",
    {0x53, 0x1D},
    0x00, /* DEVID */
    0xE5,
    {
        {0x2D, 0x00, 0}, /* POWER_CTL: standby while it is set up */
        {0x2C, 0x0A, 0}, /* BW_RATE: 100 Hz, bandwidth 50 Hz */
        {0x31, 0x0B, 0}, /* DATA_FORMAT: FULL_RES, +-16 g, right-justified */
        {0x38, 0x00, 0}, /* FIFO_CTL: bypass */
        {0x2D, 0x08, 5}, /* POWER_CTL: measure */
        END,
    },
    0x30, /* INT_SOURCE */
    0x80, /* DATA_READY */
    0x32, /* DATAX0: six bytes, low ones first */
    0,
    10000,
    256.0f, /* 256 LSB/g in full resolution */
};

/* ST LIS3DH data sheet, DocID17530, revision 2. */
const har_sensor har_lis3dh = {
    "LIS3DH",
    {0x18, 0x19},
    0x0F, /* WHO_AM_I */
    0x33,
    {
        {0x20, 0x57, 10}, /* CTRL_REG1: 100 Hz, normal power, x, y and z on */
        {0x23, 0xA8, 10}, /* CTRL_REG4: BDU, +-8 g, high resolution */
        END,
    },
    0x27,        /* STATUS_REG */
    0x08,        /* ZYXDA */
    0x28 | 0x80, /* OUT_X_L: six bytes, low ones first; the top bit counts the address up */
    0,
    10000,
    4000.0f, /* 4 mg/digit of 12 bits, left-justified in 16 */
};
