# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: restatements {
  label: "Restatements"
  sql_table_name: marts.restatements ;;

  dimension: mart {
    type: string
    description: "Mart of the figures."
    sql: ${TABLE}.mart ;;
  }

  dimension: figure_key {
    type: string
    description: "JSON object: the key's columns, as text."
    sql: ${TABLE}.figure_key ;;
  }

  dimension: old_figures {
    type: string
    description: "JSON object: the figures as they were known before; null: the row wasn't there."
    sql: ${TABLE}.old_figures ;;
  }

  dimension: new_figures {
    type: string
    description: "JSON object: the figures from now on; null: the row is gone."
    sql: ${TABLE}.new_figures ;;
  }

  dimension: cause {
    type: string
    description: "late_data: objects were loaded after the figure was first known; object_rewritten: one of them replaced another; models_changed: the models or their settings changed."
    sql: ${TABLE}.cause ;;
  }

  dimension: detail {
    type: string
    description: "Objects that the build took in, by source and dataset."
    sql: ${TABLE}.detail ;;
  }

  dimension: run_id {
    type: string
    description: "Run that restated it."
    sql: ${TABLE}.run_id ;;
  }

  dimension_group: period {
    type: time
    description: "UTC day that the figures' period lies in."
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
    sql: ${TABLE}.period_date ;;
  }

  dimension_group: known_since {
    type: time
    description: "Since when the old figures were known."
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
    sql: ${TABLE}.known_since ;;
  }

  dimension_group: restated {
    type: time
    description: "When the new ones were known."
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
    sql: ${TABLE}.restated_at ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
