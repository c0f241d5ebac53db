# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_drift {
  label: "Escrow drift"
  sql_table_name: marts.escrow_drift ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.finding_id as string), '')) ;;
  }

  dimension: finding_id {
    type: string
    description: "Stable id of the drift."
    sql: ${TABLE}.finding_id ;;
  }

  dimension: kind {
    type: string
    description: "chain_against_events, events_against_books or match_against_books."
    sql: ${TABLE}.kind ;;
  }

  dimension: vault {
    type: string
    description: "Vault token account."
    sql: ${TABLE}.vault ;;
  }

  dimension: match_id {
    type: string
    description: "Match; null for a vault's drift."
    sql: ${TABLE}.match_id ;;
  }

  dimension: mint {
    type: string
    description: "Mint."
    sql: ${TABLE}.mint ;;
  }

  dimension: symbol {
    type: string
    description: "Symbol of the mint, null where it isn't configured."
    sql: ${TABLE}.symbol ;;
  }

  dimension: decimals {
    type: number
    description: "Decimals of the mint."
    sql: ${TABLE}.decimals ;;
  }

  dimension: first_signature {
    type: string
    description: "Transaction at which it first appeared; null where none is known."
    sql: ${TABLE}.first_signature ;;
  }

  dimension: first_slot {
    type: number
    description: "Its slot."
    sql: ${TABLE}.first_slot ;;
  }

  dimension: last_slot {
    type: number
    description: "Slot at which the amount last changed."
    sql: ${TABLE}.last_slot ;;
  }

  dimension: state {
    type: string
    description: "open, explained or closed."
    sql: ${TABLE}.state ;;
  }

  dimension: reason {
    type: string
    description: "Why it isn't open: agrees_again, or the reason that a person gave."
    sql: ${TABLE}.reason ;;
  }

  dimension: note {
    type: string
    description: "What the person said; names nobody."
    sql: ${TABLE}.note ;;
  }

  dimension: decided_by {
    type: string
    description: "Role of who explained or closed it; warehouse where the data agree again."
    sql: ${TABLE}.decided_by ;;
  }

  dimension: age_hours {
    type: number
    description: "Whole hours from its own time to its end, or to what the data are complete up to."
    sql: ${TABLE}.age_hours ;;
  }

  dimension_group: opened {
    type: time
    description: "Block time of the first slot."
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
    sql: ${TABLE}.opened_at ;;
  }

  dimension_group: first_found {
    type: time
    description: "The build that first found it was complete up to here."
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
    sql: ${TABLE}.first_found_at ;;
  }

  dimension_group: closed {
    type: time
    description: "When it was closed: of a gap or drift that has gone, what the build was complete up to."
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
    sql: ${TABLE}.closed_at ;;
  }

  measure: amount {
    type: sum
    description: "The first ledger minus the second, base units, as last found."
    sql: ${TABLE}.amount ;;
    required_fields: [mint]
  }

  measure: amount_in_units {
    type: sum
    description: "The first ledger minus the second, base units, as last found. In whole units of the mint."
    sql: ${TABLE}.amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_first_slot {
    type: max
    description: "Its slot."
    sql: ${TABLE}.first_slot ;;
  }

  measure: max_last_slot {
    type: max
    description: "Slot at which the amount last changed."
    sql: ${TABLE}.last_slot ;;
  }

  measure: max_age_hours {
    type: max
    description: "Whole hours from its own time to its end, or to what the data are complete up to."
    sql: ${TABLE}.age_hours ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
