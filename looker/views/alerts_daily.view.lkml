# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: alerts_daily {
  label: "Alerts daily"
  sql_table_name: marts.alerts_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.alert_date as string), ''), '|', coalesce(cast(${TABLE}.rule as string), ''), '|', coalesce(cast(${TABLE}.severity as string), '')) ;;
  }

  dimension: rule {
    type: string
    description: "Rule."
    sql: ${TABLE}.rule ;;
  }

  dimension: severity {
    type: string
    description: "critical, high, medium or low."
    sql: ${TABLE}.severity ;;
  }

  dimension: still_open {
    type: number
    description: "Of these, firing."
    sql: ${TABLE}.still_open ;;
  }

  dimension: resolve_p50_ms {
    type: number
    description: "Median time from opened to resolved, by nearest rank; null where none is resolved."
    sql: ${TABLE}.resolve_p50_ms ;;
  }

  dimension: resolve_max_ms {
    type: number
    description: "Longest; likewise."
    sql: ${TABLE}.resolve_max_ms ;;
  }

  dimension: acknowledge_p50_ms {
    type: number
    description: "Median time from opened to acknowledged, by nearest rank; null where none is acknowledged."
    sql: ${TABLE}.acknowledge_p50_ms ;;
  }

  dimension: acknowledge_max_ms {
    type: number
    description: "Longest; likewise."
    sql: ${TABLE}.acknowledge_max_ms ;;
  }

  dimension_group: alert {
    type: time
    description: "UTC day on which the alerts opened."
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
    sql: ${TABLE}.alert_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "Newest evaluation that reported or resolved one of them, or acknowledgement."
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
    description: "Alerts opened."
    sql: ${TABLE}.opened ;;
  }

  measure: resolved {
    type: sum
    description: "Of these, resolved by now."
    sql: ${TABLE}.resolved ;;
  }

  measure: max_still_open {
    type: max
    description: "Of these, firing."
    sql: ${TABLE}.still_open ;;
  }

  measure: resolve_sum_ms {
    type: sum
    description: "Times from opened to resolved together, with resolved the mean; null where none is resolved."
    sql: ${TABLE}.resolve_sum_ms ;;
  }

  measure: max_resolve_p50_ms {
    type: max
    description: "Median time from opened to resolved, by nearest rank; null where none is resolved."
    sql: ${TABLE}.resolve_p50_ms ;;
  }

  measure: max_resolve_max_ms {
    type: max
    description: "Longest; likewise."
    sql: ${TABLE}.resolve_max_ms ;;
  }

  measure: acknowledged {
    type: sum
    description: "Of those opened, taken over by a person."
    sql: ${TABLE}.acknowledged ;;
  }

  measure: acknowledge_sum_ms {
    type: sum
    description: "Times from opened to acknowledged together, with acknowledged the mean; null where none is acknowledged."
    sql: ${TABLE}.acknowledge_sum_ms ;;
  }

  measure: max_acknowledge_p50_ms {
    type: max
    description: "Median time from opened to acknowledged, by nearest rank; null where none is acknowledged."
    sql: ${TABLE}.acknowledge_p50_ms ;;
  }

  measure: max_acknowledge_max_ms {
    type: max
    description: "Longest; likewise."
    sql: ${TABLE}.acknowledge_max_ms ;;
  }

  measure: noise_rate_numerator {
    type: sum
    description: "Alerts that were resolved within a minute of opening."
    sql: ${TABLE}.noise_rate_numerator ;;
    hidden: yes
  }

  measure: noise_rate_denominator {
    type: sum
    description: "opened."
    sql: ${TABLE}.noise_rate_denominator ;;
    hidden: yes
  }

  measure: notifications_sent {
    type: sum
    description: "Notifications of these alerts that their channels took."
    sql: ${TABLE}.notifications_sent ;;
  }

  measure: notifications_waiting {
    type: sum
    description: "Those that are still to be delivered."
    sql: ${TABLE}.notifications_waiting ;;
  }

  measure: noise_rate {
    type: number
    description: "Noise rate: Alerts that were resolved within a minute of opening. Divided by: opened."
    value_format_name: percent_2
    sql: cast(${noise_rate_numerator} as numeric) / nullif(${noise_rate_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
