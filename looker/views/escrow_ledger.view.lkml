# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_ledger {
  label: "Escrow ledger"
  sql_table_name: marts.escrow_ledger ;;

  dimension: posting_id {
    type: string
    description: "canonical_key:leg, unique."
    sql: ${TABLE}.posting_id ;;
  }

  dimension: canonical_key {
    type: string
    description: "Canonical event that is posted."
    sql: ${TABLE}.canonical_key ;;
  }

  dimension: leg {
    type: string
    description: "from or to."
    sql: ${TABLE}.leg ;;
  }

  dimension: signature {
    type: string
    description: "Transaction signature."
    sql: ${TABLE}.signature ;;
  }

  dimension: slot {
    type: number
    description: "Slot of the transaction."
    sql: ${TABLE}.slot ;;
  }

  dimension: canonical_event {
    type: string
    description: "deposit, entry, prize_distributed, fee_collected, refund or withdrawal."
    sql: ${TABLE}.canonical_event ;;
  }

  dimension: account_class {
    type: string
    description: "external, holder, escrow or treasury."
    sql: ${TABLE}.account_class ;;
  }

  dimension: account_id {
    type: string
    description: "Escrow id, or the class."
    sql: ${TABLE}.account_id ;;
  }

  dimension: escrow_id {
    type: string
    description: "Match or escrow that the event names, null where it names none."
    sql: ${TABLE}.escrow_id ;;
  }

  dimension: in_vault {
    type: yesno
    description: "True for holder and escrow: money that lies in the vault."
    sql: ${TABLE}.in_vault ;;
  }

  dimension: vault {
    type: string
    description: "Vault token account."
    sql: ${TABLE}.vault ;;
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

  dimension: program_id {
    type: string
    description: "Program that emitted the event."
    sql: ${TABLE}.program_id ;;
  }

  dimension: profile {
    type: string
    description: "Platform profile that named it."
    sql: ${TABLE}.profile ;;
  }

  dimension_group: block_time {
    type: time
    description: "Block time, UTC."
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
    sql: ${TABLE}.block_time ;;
  }

  dimension_group: block {
    type: time
    description: "UTC day of the block; the partition."
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
    sql: ${TABLE}.block_date ;;
  }

  measure: max_slot {
    type: max
    description: "Slot of the transaction."
    sql: ${TABLE}.slot ;;
  }

  measure: amount {
    type: sum
    description: "Signed base units: negative for from, positive for to."
    sql: ${TABLE}.amount ;;
    required_fields: [mint]
  }

  measure: amount_in_units {
    type: sum
    description: "Signed base units: negative for from, positive for to. In whole units of the mint."
    sql: ${TABLE}.amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
