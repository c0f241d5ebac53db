# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: matches_paused_hourly {
  label: "Matches paused hourly"
  sql_table_name: marts.matches_paused_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.hour_start as string), '')) ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot of a pause or resume in the hour; null without one."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: pause {
    type: time
    description: "UTC day of the hour; the partition."
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
    sql: ${TABLE}.pause_date ;;
  }

  dimension_group: hour_start {
    type: time
    description: "Start of the UTC hour."
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
    sql: ${TABLE}.hour_start ;;
  }

  dimension_group: as_of {
    type: time
    description: "Instant up to which the hour is counted: its end, or how far the chain is known."
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

  measure: paused_at_end {
    type: sum
    description: "Matches that are paused in the hour's last instant; a resume at its end belongs to the next hour."
    sql: ${TABLE}.paused_at_end ;;
  }

  measure: pause_events {
    type: sum
    description: "Pauses in the hour."
    sql: ${TABLE}.pause_events ;;
  }

  measure: resume_events {
    type: sum
    description: "Resumes in the hour."
    sql: ${TABLE}.resume_events ;;
  }

  measure: paused_seconds {
    type: sum
    description: "Seconds of the hour that matches were paused, added up over the matches."
    sql: ${TABLE}.paused_seconds ;;
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot of a pause or resume in the hour; null without one."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
