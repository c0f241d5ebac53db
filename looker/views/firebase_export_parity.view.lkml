# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: firebase_export_parity {
  label: "Firebase export parity"
  sql_table_name: marts.firebase_export_parity ;;

  dimension: kind {
    type: string
    description: "records: an object's records; export: a managed export's documents; documents: a collection of the newest managed export beside the tracker's state."
    sql: ${TABLE}.kind ;;
  }

  dimension: subject {
    type: string
    description: "Address of the object, or folder of the export."
    sql: ${TABLE}.subject ;;
  }

  dimension: dataset {
    type: string
    description: "Dataset of the object."
    sql: ${TABLE}.dataset ;;
  }

  dimension: collection {
    type: string
    description: "Collection, for documents; else empty."
    sql: ${TABLE}.collection ;;
  }

  dimension: generation {
    type: number
    description: "Which content under that address, for records: 1 for the first, 2 for the next, ...; else 1."
    sql: ${TABLE}.generation ;;
  }

  dimension_group: export {
    type: time
    description: "UTC day of the export; for records the first day of the window that the object was landed for."
    timeframes: [
      raw,
      date,
      week,
      month,
      quarter,
      year,
    ]
    convert_tz: no
    datatype: date
    sql: ${TABLE}.export_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "When the export ended (documents: began); null for records."
    timeframes: [
      raw,
      time,
      minute5,
      hour,
      date,
      week,
      month,
    ]
    convert_tz: no
    datatype: timestamp
    sql: ${TABLE}.as_of_time ;;
  }

  measure: max_generation {
    type: max
    description: "Which content under that address, for records: 1 for the first, 2 for the next, ...; else 1."
    sql: ${TABLE}.generation ;;
  }

  measure: expected {
    type: sum
    description: "Records counted, documents that the exporter states, or documents in the export."
    sql: ${TABLE}.expected ;;
  }

  measure: found {
    type: sum
    description: "Rows in raw, or documents that the change tracker says were there."
    sql: ${TABLE}.found ;;
  }

  measure: quarantined {
    type: sum
    description: "Rows in quarantine."
    sql: ${TABLE}.quarantined ;;
  }

  measure: missing {
    type: sum
    description: "Expected and neither found nor quarantined."
    sql: ${TABLE}.missing ;;
  }

  measure: surplus {
    type: sum
    description: "Found or quarantined, and not expected."
    sql: ${TABLE}.surplus ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
