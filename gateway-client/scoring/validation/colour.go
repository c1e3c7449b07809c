package validation

import "image/color"

// Colours of the report, told apart also by those who do not see red and green alike.
var (
	goodColour = color.RGBA{R: 0x2b, G: 0x6c, B: 0xb0, A: 0xff}
	badColour  = color.RGBA{R: 0xc5, G: 0x30, B: 0x30, A: 0xff}
)
