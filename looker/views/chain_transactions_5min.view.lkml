# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: chain_transactions_5min {
  label: "Chain transactions 5 min"
  sql_table_name: marts.chain_transactions_5min ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.transaction_date as string), ''), '|', coalesce(cast(${TABLE}.bucket_start as string), ''), '|', coalesce(cast(${TABLE}.scope as string), ''), '|', coalesce(cast(${TABLE}.program_id as string), ''), '|', coalesce(cast(${TABLE}.instruction as string), '')) ;;
  }

  dimension: scope {
    type: string
    description: "all, program or instruction: the rows of one scope hold each transaction once; take one scope."
    sql: ${TABLE}.scope ;;
  }

  dimension: program_id {
    type: string
    description: "Program of the primary call, (all) in scope all; (none) for a transaction without any instruction."
    sql: ${TABLE}.program_id ;;
  }

  dimension: instruction {
    type: string
    description: "IDL name of the primary call, (all) in scopes all and program; (unknown) where no IDL names it."
    sql: ${TABLE}.instruction ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: transaction {
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
    sql: ${TABLE}.transaction_date ;;
  }

  dimension_group: bucket_start {
    type: time
    description: "Start of the five minutes."
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
    sql: ${TABLE}.bucket_start ;;
  }

  dimension_group: as_of {
    type: time
    description: "Block time of that slot."
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

  measure: transactions {
    type: sum
    description: "Transactions, failed ones too."
    sql: ${TABLE}.transactions ;;
  }

  measure: failures {
    type: sum
    description: "Transactions that the chain holds with an error."
    sql: ${TABLE}.failures ;;
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
