{
 "dfmVersion": "1.1",
 "taskInfo": {
  "name": "sample",
  "sourceEndpoint": "source",
  "sourceEndpointType": "Oracle",
  "sourceEndpointUser": "sample",
  "replicationServer": "server",
  "operation": "dataProduced"
 },
 "fileInfo": {
  "name": "20211201-122433444",
  "extension": "csv.gz",
  "location": "incoming/cubic/EDW.SAMPLE__ct",
  "startWriteTimestamp": "2021-12-01T11:20:30.444",
  "endWriteTimestamp": "2021-12-01T11:20:31.444",
  "firstTransactionTimestamp": null,
  "lastTransactionTimestamp": null,
  "content": "data",
  "recordCount": 6,
  "errorCount": 0
 },
 "formatInfo": {
  "format": "delimited",
  "options": {
   "fieldDelimiter": ",",
   "recordDelimiter": "\n",
   "nullValue": "",
   "quoteChar": "\"",
   "escapeChar": ""
  }
 },
 "dataInfo": {
  "sourceSchema": "EDW",
  "sourceTable": "SAMPLE",
  "targetSchema": "EDW",
  "targetTable": "SAMPLE",
  "tableVersion": 1,
  "columns": [
   {
    "ordinal": 1,
    "name": "header__change_seq",
    "type": "STRING",
    "length": 35,
    "precision": 0,
    "scale": 0,
    "primaryKeyPos": 0
   },
   {
    "ordinal": 2,
    "name": "header__change_oper",
    "type": "STRING",
    "length": 1,
    "precision": 0,
    "scale": 0,
    "primaryKeyPos": 0
   },
   {
    "ordinal": 3,
    "name": "header__timestamp",
    "type": "DATETIME",
    "length": 0,
    "precision": 0,
    "scale": 7,
    "primaryKeyPos": 0
   },
   {
    "ordinal": 4,
    "name": "SAMPLE_ID",
    "type": "INT4",
    "length": 4,
    "precision": 0,
    "scale": 0,
    "primaryKeyPos": 1
   },
   {
    "ordinal": 5,
    "name": "SAMPLE_NAME",
    "type": "STRING",
    "length": 500,
    "precision": 0,
    "scale": 0,
    "primaryKeyPos": 0
   },
   {
    "ordinal": 6,
    "name": "EDW_INSERTED_DTM",
    "type": "DATETIME",
    "length": 0,
    "precision": 0,
    "scale": 7,
    "primaryKeyPos": 0
   },
   {
    "ordinal": 7,
    "name": "EDW_UPDATED_DTM",
    "type": "DATETIME",
    "length": 0,
    "precision": 0,
    "scale": 7,
    "primaryKeyPos": 0
   }
  ]
 }
}
