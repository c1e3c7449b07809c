package epcis

import "strings"

func words(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

// The bare words of GS1's Core Business Vocabulary 2.0 and Web Vocabulary that the EPCIS 2.0 JSON schema allows.
var (
	actions    = words("ADD OBSERVE DELETE")
	exceptions = words("ALARM_CONDITION ERROR_CONDITION")
	reasons    = words("did_not_occur incorrect_data")
	components = words(`x y z axial_distance azimuth height spherical_radius polar_angle elevation_angle easting northing
		latitude longitude altitude`)
	transactionTypes = words("bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt")
	placeTypes       = words("owning_party possessing_party location")
	measurementTypes = words(`AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Radioactivity Altitude
		AmountOfSubstance AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum AngularVelocity Area
		Capacitance Conductance Conductivity Count Density Dimensionless DoseEquivalent DoseEquivalentRate
		DynamicViscosity ElectricCharge ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy Exposure
		Force Frequency Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum Luminance
		LuminousFlux LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass MassConcentration
		MassFlowRate MassPerAreaTime MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume Power Pressure
		RadiantFlux RadiantIntensity RelativeHumidity Resistance Resistivity SolidAngle SpecificVolume Speed
		SurfaceDensity SurfaceTension Temperature Time Torque Voltage Volume VolumeFlowRate VolumeFraction
		VolumetricFlux Wavenumber`)
	bizSteps = words(`accepting arriving assembling collecting commissioning consigning creating_class_instance
		cycle_counting decommissioning departing destroying disassembling dispensing encoding entering_exiting holding
		inspecting installing killing loading other packing picking receiving removing repackaging repairing replacing
		reserving retail_selling shipping staging_outbound stock_taking stocking storing transporting unloading
		unpacking void_shipping sensor_reporting sampling`)
	dispositions = words(`active container_closed damaged destroyed dispensed disposed encoded expired in_progress
		in_transit inactive no_pedigree_match non_sellable_other partially_dispensed recalled reserved retail_sold
		returned sellable_accessible sellable_not_accessible stolen unknown available completeness_verified
		completeness_inferred conformant container_open mismatch_instance mismatch_class mismatch_quantity
		needs_replacement non_conformant unavailable`)
)

// Fields that an event of each type may have, besides extensions.
const commonFields = `@context type eventTime recordTime eventTimeZoneOffset eventID certificationInfo errorDeclaration
	bizStep disposition readPoint bizLocation bizTransactionList sourceList destinationList sensorElementList `

var eventFields = map[string]map[string]bool{
	ObjectEvent:      words(commonFields + "action epcList quantityList persistentDisposition ilmd"),
	AggregationEvent: words(commonFields + "action parentID childEPCs childQuantityList"),
	TransactionEvent: words(commonFields + "action parentID epcList quantityList"),
	TransformationEvent: words(commonFields + `inputEPCList inputQuantityList outputEPCList outputQuantityList
		transformationID persistentDisposition ilmd`),
	AssociationEvent: words(commonFields + "action parentID childEPCs childQuantityList"),
}

// siOf is the SI unit (UN/ECE Recommendation 20) of measurement types whose unit leaves no doubt. Others are not checked.
var siOf = map[string]string{
	"Temperature": "KEL", "Pressure": "PAL", "Mass": "KGM", "Length": "MTR", "Altitude": "MTR", "Speed": "MTS", "Time": "SEC", "Voltage": "VLT",
	"Power": "WTT", "Volume": "MTQ", "Illuminance": "LUX", "RelativeHumidity": "C62",
}

// anyEventField is every field that some type has.
var anyEventField = func() map[string]bool {
	all := map[string]bool{}
	for _, set := range eventFields {
		for f := range set {
			all[f] = true
		}
	}
	return all
}()

var (
	reportFields = words(`type exception deviceID deviceMetadata rawData dataProcessingMethod bizRules time
		microorganism chemicalSubstance coordinateReferenceSystem value component stringValue booleanValue
		hexBinaryValue uriValue minValue maxValue meanValue sDev percRank percValue uom`)
	metadataFields = words("time deviceID deviceMetadata rawData startTime endTime dataProcessingMethod bizRules")
	quantityFields = words("epcClass quantity uom")
)
