# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: incidents_daily {
  label: "Incidents daily"
  sql_table_name: marts.incidents_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.incident_date as string), ''), '|', coalesce(cast(${TABLE}.level as string), '')) ;;
  }

  dimension: level {
    type: string
    description: "SEV1, SEV2, SEV3 or SEV4, as it is now."
    sql: ${TABLE}.level ;;
  }

  dimension: still_open {
    type: number
    description: "Of these, not closed."
    sql: ${TABLE}.still_open ;;
  }

  dimension: resolve_p50_ms {
    type: number
    description: "Median time from the first alert to the close, by nearest rank; null where none is closed."
    sql: ${TABLE}.resolve_p50_ms ;;
  }

  dimension: resolve_max_ms {
    type: number
    description: "Longest; likewise."
    sql: ${TABLE}.resolve_max_ms ;;
  }

  dimension_group: incident {
    type: time
    description: "UTC day on which the incidents' first alerts fired."
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
    sql: ${TABLE}.incident_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "Newest change of status of one of them."
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

  measure: opened {
    type: sum
    description: "Incidents."
    sql: ${TABLE}.opened ;;
  }

  measure: resolved {
    type: sum
    description: "Of these, closed by a person."
    sql: ${TABLE}.resolved ;;
  }

  measure: monitored {
    type: sum
    description: "Of these, being monitored: no alert fires, and nobody has closed it."
    sql: ${TABLE}.monitored ;;
  }

  measure: max_still_open {
    type: max
    description: "Of these, not closed."
    sql: ${TABLE}.still_open ;;
  }

  measure: alerts {
    type: sum
    description: "Alerts that belong to them."
    sql: ${TABLE}.alerts ;;
  }

  measure: resolve_sum_ms {
    type: sum
    description: "Times from the first alert to the close together, with resolved the mean; null where none is closed."
    sql: ${TABLE}.resolve_sum_ms ;;
  }

  measure: max_resolve_p50_ms {
    type: max
    description: "Median time from the first alert to the close, by nearest rank; null where none is closed."
    sql: ${TABLE}.resolve_p50_ms ;;
  }

  measure: max_resolve_max_ms {
    type: max
    description: "Longest; likewise."
    sql: ${TABLE}.resolve_max_ms ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
